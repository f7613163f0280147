"""pika: basic.qos per consumer and per channel bounds the unacknowledged deliveries exactly."""

from common import expect_equal, run, wait_until
from common_pika import Session, declare_exclusive_queue, expect_connection_closed

MESSAGE_COUNT = 30
# Long enough for a broker to send what it must not send.
SETTLING_SECONDS = 0.3


class Consumer:
    def __init__(self, channel, queue):
        self.channel = channel
        self.deliveries = []
        self.consumer_tag = channel.basic_consume(queue, self.on_message)

    def on_message(self, _channel, method, _properties, body):
        self.deliveries.append((method.delivery_tag, int(body)))

    def expect_delivered(self, count, when):
        connection = self.channel.connection
        wait_until(
            lambda: len(self.deliveries) >= count,
            f"{count} deliveries {when}",
            step=lambda: connection.process_data_events(0.05),
        )
        connection.process_data_events(0)
        connection.sleep(SETTLING_SECONDS)
        expect_equal(len(self.deliveries), count, f"deliveries {when}")


def declare_filled_queue(channel):
    queue = declare_exclusive_queue(channel)
    for number in range(MESSAGE_COUNT):
        channel.basic_publish("", queue, str(number).encode())
    return queue


def test_one_consumer(session):
    channel = session.connect().channel()
    queue = declare_filled_queue(channel)
    channel.basic_qos(prefetch_count=5)
    consumer = Consumer(channel, queue)
    consumer.expect_delivered(5, "with prefetch 5")
    channel.basic_ack(3)
    consumer.expect_delivered(6, "after one ack")
    channel.basic_ack(4, multiple=True)
    consumer.expect_delivered(9, "after an ack of three more at once")
    channel.basic_nack(5, requeue=False)
    consumer.expect_delivered(10, "after a nack")
    expect_equal([number for _, number in consumer.deliveries], list(range(10)), "deliveries in order")
    # Not counted by the prefetch: basic.get.
    method, _, body = channel.basic_get(queue)
    expect_equal((body, method.delivery_tag), (b"10", 11), "basic.get beside a full prefetch")
    channel.basic_ack(0, multiple=True)
    consumer.expect_delivered(15, "after an ack of everything")


def test_per_consumer(session):
    channel = session.connect().channel()
    queue = declare_filled_queue(channel)
    channel.basic_qos(prefetch_count=4)
    first = Consumer(channel, queue)
    first.expect_delivered(4, "for the first consumer")
    # Holds for consumers which start later only.
    channel.basic_qos(prefetch_count=7)
    second = Consumer(channel, queue)
    second.expect_delivered(7, "for the second consumer, which has a prefetch of its own")
    first.expect_delivered(4, "for the first consumer after another basic.qos")
    channel.basic_ack(first.deliveries[0][0])
    first.expect_delivered(5, "for the first consumer after its ack")
    second.expect_delivered(7, "for the second consumer after the first one's ack")


def test_whole_channel(session):
    channel = session.connect().channel()
    queue = declare_filled_queue(channel)
    channel.basic_qos(prefetch_count=6, global_qos=True)
    consumers = [Consumer(channel, queue), Consumer(channel, queue)]
    wait_until(
        lambda: sum(len(consumer.deliveries) for consumer in consumers) >= 6,
        "6 deliveries on the channel",
        step=lambda: channel.connection.process_data_events(0.05),
    )
    channel.connection.sleep(SETTLING_SECONDS)
    expect_equal(sum(len(consumer.deliveries) for consumer in consumers), 6, "deliveries on a channel with prefetch 6")
    channel.basic_ack(0, multiple=True)
    channel.connection.sleep(SETTLING_SECONDS)
    expect_equal(sum(len(consumer.deliveries) for consumer in consumers), 12, "deliveries after an ack of everything")


def test_unlimited(session):
    channel = session.connect().channel()
    queue = declare_filled_queue(channel)
    channel.basic_qos(prefetch_count=0)
    Consumer(channel, queue).expect_delivered(MESSAGE_COUNT, "with prefetch 0, which is no limit")


def test(arguments):
    with Session(arguments) as session:
        test_one_consumer(session)
        test_per_consumer(session)
        test_whole_channel(session)
        test_unlimited(session)
        expect_connection_closed(
            session, lambda channel: channel.basic_qos(prefetch_size=10), 540, "NOT_IMPLEMENTED - prefetch_size!=0 (10)"
        )
    return "prefetch per consumer, per channel and unlimited"


if __name__ == "__main__":
    run(test)
