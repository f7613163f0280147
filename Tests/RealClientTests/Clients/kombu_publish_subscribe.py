"""kombu: a Producer declares and publishes, Consumers with manual acks and prefetch get what their bindings match."""

import socket

from kombu import Consumer, Exchange, Producer, Queue

from common import Failure, expect_equal, run, unique_name
from common_kombu import deleted_afterwards, drain_until, open_connection


def test_direct(connection):
    exchange = Exchange(unique_name("direct"), "direct", durable=True)
    queues = {key: Queue(unique_name(key), exchange, key, durable=True) for key in ("video", "image")}
    received = {key: [] for key in queues}
    with deleted_afterwards(connection, *queues.values(), exchange), connection.channel() as channel:
        producer = Producer(channel, exchange, serializer="json")
        for number in range(10):
            key = "video" if number % 2 else "image"
            producer.publish({"number": number}, routing_key=key, declare=list(queues.values()), headers={"kind": key})

        def subscriber(key):
            def on_message(body, message):
                entry = (
                    body["number"],
                    message.headers["kind"],
                    message.delivery_info["routing_key"],
                    message.content_type,
                )
                received[key].append(entry)
                message.ack()

            return Consumer(channel, queues[key], callbacks=[on_message], prefetch_count=1, accept=["json"])

        with subscriber("video"), subscriber("image"):
            drain_until(connection, lambda: sum(map(len, received.values())) >= 10, "10 messages")
        expected = {
            "video": [(number, "video", "video", "application/json") for number in range(1, 10, 2)],
            "image": [(number, "image", "image", "application/json") for number in range(0, 10, 2)],
        }
        expect_equal(received, expected, "messages by queue")
        counts = {key: queue(channel).queue_declare(passive=True).message_count for key, queue in queues.items()}
        expect_equal(counts, {"video": 0, "image": 0}, "messages left")


def test_requeue_and_reject(connection):
    queue = Queue(unique_name("requeue"), durable=True)
    with deleted_afterwards(connection, queue), connection.channel() as channel:
        Producer(channel).publish("text", routing_key=queue.name, declare=[queue])
        first = queue(channel).get()
        expect_equal((first.payload, first.delivery_info["redelivered"]), ("text", False), "the first time")
        first.requeue()
        second = queue(channel).get()
        expect_equal((second.payload, second.delivery_info["redelivered"]), ("text", True), "the second time")
        second.reject()
        expect_equal(queue(channel).get(), None, "after reject")


def test_drain_events_timeout(connection):
    try:
        connection.drain_events(timeout=0.2)
    except socket.timeout:
        return
    raise Failure("drain_events returned although nothing was to come")


def test(arguments):
    with open_connection(arguments) as connection:
        test_direct(connection)
        test_requeue_and_reject(connection)
        test_drain_events_timeout(connection)
    return "Producer, Consumers with prefetch, requeue, reject and drain_events"


if __name__ == "__main__":
    run(test)
