"""pika: 20 messages published once to a fanout exchange arrive in each of 100 queues, in order."""

from common import expect_equal, run, wait_until
from common_pika import Session, declare_exclusive_queue

QUEUE_COUNT = 100
MESSAGE_COUNT = 20


def test(arguments):
    with Session(arguments) as session:
        publisher = session.confirming_channel()
        subscriber = session.connect().channel()
        exchange = session.declare_exchange(publisher, "fanout")
        received = {}

        def on_message(_channel, method, _properties, body):
            received[method.consumer_tag].append((body, method.redelivered))

        for _ in range(QUEUE_COUNT):
            queue = declare_exclusive_queue(subscriber)
            subscriber.queue_bind(queue, exchange)
            received[subscriber.basic_consume(queue, on_message, auto_ack=True)] = []
        for number in range(MESSAGE_COUNT):
            publisher.basic_publish(exchange, "", f"message {number}".encode())
        wait_until(
            lambda: sum(len(deliveries) for deliveries in received.values()) >= QUEUE_COUNT * MESSAGE_COUNT,
            f"{QUEUE_COUNT * MESSAGE_COUNT} deliveries",
            step=lambda: subscriber.connection.process_data_events(0.1),
        )
        subscriber.connection.sleep(0.1)
        expected = [(f"message {number}".encode(), False) for number in range(MESSAGE_COUNT)]
        for consumer_tag, deliveries in received.items():
            expect_equal(deliveries, expected, f"deliveries to {consumer_tag}")
    return f"{MESSAGE_COUNT} messages in order in each of {QUEUE_COUNT} queues"


if __name__ == "__main__":
    run(test)
