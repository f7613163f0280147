"""pika BlockingConnection: confirms and the return of unroutable messages."""

from pika.exceptions import UnroutableError

from common import Failure, expect_equal, run, unique_name
from common_pika import Session, declare_exclusive_queue, take_bodies


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


def test(arguments):
    with Session(arguments) as session:
        test_returns(session)
    return "confirms, and returns with 312 NO_ROUTE"


if __name__ == "__main__":
    run(test)
