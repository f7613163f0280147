"""pika: basic.get, order and redelivered flag after nack, reject, recover and a closed channel."""

from common import expect_equal, run
from common_pika import (
    Session,
    expect_connection_closed,
    get_message,
    message_count,
    wait_for_message_count,
)


def publish_numbers(session, queue, count):
    channel = session.confirming_channel()
    for number in range(1, count + 1):
        channel.basic_publish("", queue, str(number).encode())
    channel.connection.close()


def get_summary(channel, queue):
    method, _, body = channel.basic_get(queue)
    return None if method is None else (int(body), method.redelivered, method.message_count)


def test_get(session):
    channel = session.connect().channel()
    queue = session.declare_shared_queue(channel, "get")
    expect_equal(channel.basic_get(queue), (None, None, None), "basic.get of an empty queue")
    publish_numbers(session, queue, 3)
    method, _, body = channel.basic_get(queue)
    actual = (method.delivery_tag, method.redelivered, method.exchange, method.routing_key, method.message_count, body)
    expect_equal(actual, (1, False, "", queue, 2, b"1"), "basic.get-ok")
    method, _, body = channel.basic_get(queue, auto_ack=True)
    expect_equal(
        (method.delivery_tag, method.message_count, body), (2, 1, b"2"), "basic.get-ok without acknowledgement"
    )
    channel.basic_ack(1)
    expect_equal(get_summary(channel, queue), (3, False, 0), "the last message")
    expect_equal(get_summary(channel, queue), None, "basic.get while all messages are unacknowledged")


def test_requeue_order(session):
    channel = session.connect().channel()
    queue = session.declare_shared_queue(channel, "requeue")
    publish_numbers(session, queue, 6)
    tags = [channel.basic_get(queue)[0].delivery_tag for _ in range(4)]
    channel.basic_nack(tags[2], requeue=True)
    channel.basic_reject(tags[0], requeue=True)
    # Back at their original places: 1 and 3 before 5; 2 and 4 are still held.
    actual = [get_summary(channel, queue) for _ in range(4)]
    expect_equal(actual, [(1, True, 3), (3, True, 2), (5, False, 1), (6, False, 0)], "after nack and reject")
    channel.basic_nack(0, multiple=True, requeue=True)
    expect_equal(message_count(channel, queue), 6, "ready messages after nack of everything")
    actual = [get_summary(channel, queue) for _ in range(6)]
    expect_equal(actual, [(number, True, 6 - number) for number in range(1, 7)], "after nack of everything")
    channel.basic_nack(0, multiple=True, requeue=False)
    # Had they been kept as unacknowledged, the closing channel would bring them back.
    channel.close()
    channel.connection.sleep(0.1)
    expect_equal(message_count(channel.connection.channel(), queue), 0, "messages after nack without requeue")


def test_recover(session):
    connection = session.connect()
    channel = connection.channel()
    queue = session.declare_shared_queue(channel, "recover")
    publish_numbers(session, queue, 3)
    expect_equal(get_summary(channel, queue), (1, False, 2), "before recover")
    expect_equal(get_summary(channel, queue), (2, False, 1), "before recover")
    channel.basic_recover(requeue=True)
    actual = [get_summary(channel, queue) for _ in range(3)]
    expect_equal(actual, [(1, True, 2), (2, True, 1), (3, False, 0)], "after recover")
    channel.basic_ack(0, multiple=True)
    expect_connection_closed(
        session, lambda other: other.basic_recover(requeue=False), 540, "NOT_IMPLEMENTED - requeue=false"
    )


def test_close_requeues(session):
    connection = session.connect()
    reader = session.connect().channel()
    queue = session.declare_shared_queue(reader, "closed")
    publish_numbers(session, queue, 2)
    channel = connection.channel()
    expect_equal(get_summary(channel, queue), (1, False, 1), "before the channel closes")
    channel.close()
    wait_for_message_count(reader, queue, 2)
    channel = connection.channel()
    expect_equal(get_summary(channel, queue), (1, True, 1), "after the channel closed")
    connection.close()
    wait_for_message_count(reader, queue, 2)
    method, _, body = get_message(reader, queue)
    expect_equal((body, method.redelivered), (b"1", True), "after the connection closed")


def test(arguments):
    with Session(arguments) as session:
        test_get(session)
        test_requeue_order(session)
        test_recover(session)
        test_close_requeues(session)
    return "basic.get, and requeueing at the original place with redelivered set"


if __name__ == "__main__":
    run(test)
