"""kombu: broadcast through a fanout exchange to auto-named exclusive queues on several connections."""

from kombu import Consumer, Exchange, Producer, Queue

from common import expect, expect_equal, run, unique_name
from common_kombu import deleted_afterwards, drain_until, open_connection

SUBSCRIBER_COUNT = 5
MESSAGE_COUNT = 10


def test(arguments):
    exchange = Exchange(unique_name("fanout"), "fanout", durable=True)
    connections = [open_connection(arguments) for _ in range(SUBSCRIBER_COUNT)]
    received = [[] for _ in connections]
    with open_connection(arguments) as publisher, deleted_afterwards(publisher, exchange):
        try:
            names = set()
            for connection, bodies in zip(connections, received):
                queue = Queue("", exchange, exclusive=True, auto_delete=True)
                consumer = Consumer(
                    connection,
                    [queue],
                    on_message=lambda message, bodies=bodies: bodies.append(message.payload),
                    no_ack=True,
                )
                consumer.consume()
                names.add(consumer.queues[0].name)
            expect_equal(len(names), SUBSCRIBER_COUNT, "different server-named queues")
            expect(all(name.startswith("amq.gen-") for name in names), f"names made by the broker: {names}")
            producer = Producer(publisher, exchange)
            for number in range(MESSAGE_COUNT):
                producer.publish({"number": number}, routing_key="ignored")
            for connection, bodies in zip(connections, received):
                drain_until(connection, lambda: len(bodies) >= MESSAGE_COUNT, f"{MESSAGE_COUNT} messages")
            expected = [[{"number": number} for number in range(MESSAGE_COUNT)]] * SUBSCRIBER_COUNT
            expect_equal(received, expected, "messages of each subscriber")
        finally:
            for connection in connections:
                connection.release()
    return f"{MESSAGE_COUNT} messages to each of {SUBSCRIBER_COUNT} subscribers"


if __name__ == "__main__":
    run(test)
