"""pika: the broker cancels the consumers of a deleted queue, and delivers nothing after basic.cancel."""

from common import expect, expect_equal, run, wait_until
from common_pika import Session, declare_exclusive_queue, get_message


def test_cancel_notify(session):
    channel = session.connect().channel()
    queue = session.declare_shared_queue(channel, "deleted")
    kept_queue = declare_exclusive_queue(channel)
    cancelled = []
    kept = []
    channel.add_on_cancel_callback(lambda frame: cancelled.append(frame.method.consumer_tag))
    consumer_tags = {channel.basic_consume(queue, lambda *_: None) for _ in range(2)}
    channel.basic_consume(kept_queue, lambda _channel, _method, _properties, body: kept.append(body), auto_ack=True)
    session.connect().channel().queue_delete(queue)
    wait_until(
        lambda: len(cancelled) >= 2,
        "a basic.cancel for each consumer of the deleted queue",
        step=lambda: channel.connection.process_data_events(0.05),
    )
    expect_equal((len(cancelled), set(cancelled)), (2, consumer_tags), "cancelled consumer tags")
    # The channel and its other consumers go on.
    channel.basic_publish("", kept_queue, b"still here")
    wait_until(
        lambda: kept, "a delivery to the other consumer", step=lambda: channel.connection.process_data_events(0.05)
    )
    expect_equal((kept, len(cancelled)), ([b"still here"], 2), "deliveries and cancels")


def test_basic_cancel(session):
    channel = session.connect().channel()
    queue = declare_exclusive_queue(channel)
    received = []
    consumer_tag = channel.basic_consume(queue, lambda *delivery: received.append(delivery), auto_ack=True)
    expect(consumer_tag, "a consumer tag made by the client")
    channel.basic_cancel(consumer_tag)
    channel.basic_publish("", queue, b"after the cancel")
    channel.connection.sleep(0.2)
    expect_equal(len(received), 0, "deliveries after basic.cancel-ok")
    expect_equal(get_message(channel, queue, auto_ack=True)[2], b"after the cancel", "the message is in the queue")
    # The tag is free again.
    expect_equal(
        channel.basic_consume(queue, print, consumer_tag=consumer_tag), consumer_tag, "the reused consumer tag"
    )


def test_cancelled_consumer_keeps_unacknowledged(session):
    channel = session.confirming_channel()
    queue = declare_exclusive_queue(channel)
    channel.basic_publish("", queue, b"held")
    received = []
    consumer_tag = channel.basic_consume(queue, lambda _channel, method, *_: received.append(method.delivery_tag))
    wait_until(lambda: received, "the delivery", step=lambda: channel.connection.process_data_events(0.05))
    channel.basic_cancel(consumer_tag)
    expect_equal(
        channel.basic_get(queue), (None, None, None), "basic.get while the cancelled consumer's message is held"
    )
    channel.basic_nack(received[0], requeue=True)
    method, _, body = get_message(channel, queue)
    expect_equal((body, method.redelivered), (b"held", True), "the message given back after the cancel")


def test(arguments):
    with Session(arguments) as session:
        test_cancel_notify(session)
        test_basic_cancel(session)
        test_cancelled_consumer_keeps_unacknowledged(session)
    return "consumers of a deleted queue are cancelled, a cancelled consumer gets nothing more"


if __name__ == "__main__":
    run(test)
