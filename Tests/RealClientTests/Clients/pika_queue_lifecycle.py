"""pika: server-named queues, auto-delete, counts of purge and delete, if-unused and if-empty."""

from common import expect, expect_equal, run, unique_name, wait_until
from common_pika import Session, declare_exclusive_queue, expect_channel_closed, take_bodies


def test_server_named_queue(session):
    channel = session.confirming_channel()
    names = [channel.queue_declare("", exclusive=True).method.queue for _ in range(2)]
    expect(all(name.startswith("amq.gen-") for name in names), f"server-named queues begin with 'amq.gen-': {names}")
    expect(names[0] != names[1], f"two server-named queues have the same name: {names}")
    # An empty queue name means the channel's last declared queue; so does an empty routing key.
    exchange = session.declare_exchange(channel, "direct")
    channel.queue_bind("", exchange, "")
    channel.basic_publish(exchange, names[1], b"for the last declared queue")
    expect_equal(take_bodies(channel, names[0]), [], "messages of the first server-named queue")
    expect_equal(take_bodies(channel, ""), [b"for the last declared queue"], "messages of the last declared queue")
    expect_channel_closed(
        channel.connection, lambda other: other.queue_purge(""), 404, "NOT_FOUND - no previously declared queue"
    )


def exists(connection, declare):
    channel = connection.channel()
    try:
        declare(channel)
        return True
    except Exception as error:
        expect_equal(getattr(error, "reply_code", None), 404, f"the refusal of a passive declare, {error!r}")
        return False
    finally:
        if channel.is_open:
            channel.close()


def test_auto_delete_queue(session):
    connection = session.connect()
    channel = connection.channel()
    queue = unique_name("auto-delete")
    session.queues.append(queue)
    channel.queue_declare(queue, durable=True, auto_delete=True)

    def queue_exists():
        return exists(connection, lambda other: other.queue_declare(queue, passive=True))

    expect(queue_exists(), "an auto-delete queue which never had a consumer was deleted")
    consumer_tags = [channel.basic_consume(queue, lambda *_: None) for _ in range(2)]
    channel.basic_cancel(consumer_tags[0])
    expect(queue_exists(), "an auto-delete queue was deleted while it had a consumer")
    channel.basic_cancel(consumer_tags[1])
    wait_until(lambda: not queue_exists(), "an auto-delete queue goes with its last consumer")


def test_auto_delete_exchange(session):
    connection = session.connect()
    channel = connection.channel()
    queues = [declare_exclusive_queue(channel) for _ in range(2)]
    exchange = session.declare_exchange(channel, "fanout", auto_delete=True)

    def exchange_exists():
        return exists(connection, lambda other: other.exchange_declare(exchange, passive=True))

    expect(exchange_exists(), "an auto-delete exchange which never had a binding was deleted")
    for queue in queues:
        channel.queue_bind(queue, exchange)
    channel.queue_unbind(queues[0], exchange)
    expect(exchange_exists(), "an auto-delete exchange was deleted while it had a binding")
    # The deletion of the queue takes its binding along.
    channel.queue_delete(queues[1])
    expect(not exchange_exists(), "an auto-delete exchange is left after its last binding went")


def test_counts(session):
    channel = session.confirming_channel()
    queue = declare_exclusive_queue(channel)
    for number in range(10):
        channel.basic_publish("", queue, str(number).encode())
    declared = channel.queue_declare(queue, passive=True).method
    expect_equal((declared.queue, declared.message_count, declared.consumer_count), (queue, 10, 0), "queue.declare-ok")
    held = channel.basic_get(queue)[0]
    expect_equal(channel.queue_purge(queue).method.message_count, 9, "purged messages, without the unacknowledged one")
    expect_equal(channel.queue_purge(queue).method.message_count, 0, "purged messages of an empty queue")
    channel.basic_nack(held.delivery_tag, requeue=True)
    channel.basic_publish("", queue, b"second")
    expect_equal(channel.queue_delete(queue).method.message_count, 2, "messages deleted with the queue")
    expect_equal(
        channel.queue_delete(queue).method.message_count, 0, "messages deleted with a queue which is not there"
    )
    consumed = declare_exclusive_queue(channel)
    channel.basic_consume(consumed, lambda *_: None)
    expect_equal(channel.queue_declare(consumed, passive=True).method.consumer_count, 1, "consumers of a queue")


def test_conditional_deletes(session):
    channel = session.confirming_channel()
    connection = channel.connection
    queue = declare_exclusive_queue(channel)
    channel.basic_publish("", queue, b"message")
    not_empty = f"PRECONDITION_FAILED - queue '{queue}' in vhost '/' not empty"
    queue_in_use = f"PRECONDITION_FAILED - queue '{queue}' in vhost '/' in use"
    expect_channel_closed(connection, lambda other: other.queue_delete(queue, if_empty=True), 406, not_empty)
    consumer_tag = channel.basic_consume(queue, lambda *_: None, auto_ack=True)
    expect_channel_closed(connection, lambda other: other.queue_delete(queue, if_unused=True), 406, queue_in_use)
    channel.basic_cancel(consumer_tag)
    take_bodies(channel, queue)
    exchange = session.declare_exchange(channel, "fanout")
    channel.queue_bind(queue, exchange)
    exchange_in_use = f"PRECONDITION_FAILED - exchange '{exchange}' in vhost '/' in use"
    expect_channel_closed(
        connection, lambda other: other.exchange_delete(exchange, if_unused=True), 406, exchange_in_use
    )
    channel.queue_delete(queue, if_unused=True, if_empty=True)
    channel.exchange_delete(exchange, if_unused=True)
    # Deletes are idempotent.
    channel.exchange_delete(exchange, if_unused=True)
    expect(not exists(connection, lambda other: other.exchange_declare(exchange, passive=True)), "the exchange is left")


def test(arguments):
    with Session(arguments) as session:
        test_server_named_queue(session)
        test_auto_delete_queue(session)
        test_auto_delete_exchange(session)
        test_counts(session)
        test_conditional_deletes(session)
    return "server-named and auto-delete queues, auto-delete exchanges, purge and delete counts, conditional deletes"


if __name__ == "__main__":
    run(test)
