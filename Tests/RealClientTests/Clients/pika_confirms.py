"""pika BlockingConnection: confirms, the return of unroutable messages, and the nack of a full queue."""

from pika.exceptions import NackError, UnroutableError

from common import Failure, expect_equal, run, unique_name
from common_pika import Session, declare_exclusive_queue, expect_channel_closed, take_bodies


def expect_unroutable(channel, exchange, routing_key):
    try:
        channel.basic_publish(exchange, routing_key, b"nobody gets this", mandatory=True)
    except UnroutableError as error:
        methods = [(message.method, message.body) for message in error.messages]
        returned = [(m.reply_code, m.reply_text, m.exchange, m.routing_key, body) for m, body in methods]
        expect_equal(returned, [(312, "NO_ROUTE", exchange, routing_key, b"nobody gets this")], "basic.return")
    else:
        raise Failure(f"a mandatory message to exchange '{exchange}' without a matching binding was not returned")


def test_returns(session):
    channel = session.confirming_channel()
    expect_unroutable(channel, "", unique_name("missing"))
    exchange = session.declare_exchange(channel, "topic")
    expect_unroutable(channel, exchange, "a.b")
    queue = declare_exclusive_queue(channel)
    channel.queue_bind(queue, exchange, "a.*")
    channel.basic_publish(exchange, "a.b", b"routable", mandatory=True)
    expect_equal(take_bodies(channel, queue), [b"routable"], "the routable mandatory message")
    # Without mandatory an unroutable message is dropped silently, and confirmed.
    channel.basic_publish(exchange, "b", b"dropped")


def test_nack_of_full_queue(session):
    channel = session.confirming_channel()
    queue = declare_exclusive_queue(channel, arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    for number in range(2):
        channel.basic_publish("", queue, str(number).encode())
    for number in range(2, 4):
        try:
            channel.basic_publish("", queue, str(number).encode())
        except NackError:
            continue
        raise Failure("a message beyond x-max-length with x-overflow=reject-publish was not nacked")
    expect_equal(take_bodies(channel, queue), [b"0", b"1"], "the messages within x-max-length")
    channel.basic_publish("", queue, b"room again")
    expect_equal(take_bodies(channel, queue), [b"room again"], "the message after the queue had room again")


def test_no_mix_with_transactions(session):
    connection = session.connect()

    def confirm_then_transaction(channel):
        channel.confirm_delivery()
        channel.tx_select()

    def transaction_then_confirm(channel):
        channel.tx_select()
        channel.confirm_delivery()

    expect_channel_closed(
        connection, confirm_then_transaction, 406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode"
    )
    expect_channel_closed(
        connection, transaction_then_confirm, 406, "PRECONDITION_FAILED - cannot switch from tx to confirm mode"
    )


def test(arguments):
    with Session(arguments) as session:
        test_returns(session)
        test_nack_of_full_queue(session)
        test_no_mix_with_transactions(session)
    return "confirms, returns with 312 NO_ROUTE, and nacks of a full queue"


if __name__ == "__main__":
    run(test)
