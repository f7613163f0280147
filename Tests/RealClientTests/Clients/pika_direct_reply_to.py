"""pika: RPC through the pseudo-queue amq.rabbitmq.reply-to, without a reply queue."""

from pika import BasicProperties

from common import expect, expect_equal, run, unique_name, wait_until
from common_pika import Session, expect_channel_closed

PSEUDO_QUEUE = "amq.rabbitmq.reply-to"
CALLS = 20


def test(arguments):
    with Session(arguments) as session:
        server = session.connect().channel()
        requests = session.declare_shared_queue(server, "requests")
        reply_addresses = set()

        def answer(channel, method, properties, body):
            reply_addresses.add(properties.reply_to)
            reply = BasicProperties(correlation_id=properties.correlation_id)
            channel.basic_publish("", properties.reply_to, body.upper(), reply)
            channel.basic_ack(method.delivery_tag)

        server.basic_consume(requests, answer)
        client = session.connect().channel()
        replies = []
        client.basic_consume(PSEUDO_QUEUE, lambda *delivery: replies.append(delivery), auto_ack=True)
        for number in range(CALLS):
            properties = BasicProperties(reply_to=PSEUDO_QUEUE, correlation_id=str(number))
            client.basic_publish("", requests, f"call {number}".encode(), properties)

        def step():
            server.connection.process_data_events(0.02)
            client.connection.process_data_events(0.02)

        wait_until(lambda: len(replies) >= CALLS, f"{CALLS} replies", step=step)
        actual = [(properties.correlation_id, body) for _, _, properties, body in replies]
        expect_equal(actual, [(str(number), f"CALL {number}".encode()) for number in range(CALLS)], "replies")
        expect_equal(len(reply_addresses), 1, "reply addresses of one channel")
        address = reply_addresses.pop()
        expect(
            address.startswith(PSEUDO_QUEUE + "."), f"the rewritten reply-to begins with '{PSEUDO_QUEUE}.': {address}"
        )

        connection = client.connection
        text = "PRECONDITION_FAILED - reply consumer cannot acknowledge"
        expect_channel_closed(connection, lambda channel: channel.basic_consume(PSEUDO_QUEUE, print), 406, text)
        text = "PRECONDITION_FAILED - fast reply consumer does not exist"
        to_nobody = BasicProperties(reply_to=PSEUDO_QUEUE)
        expect_channel_closed(
            connection, lambda channel: channel.basic_publish("", unique_name("queue"), b"", to_nobody), 406, text
        )
    return f"{CALLS} calls answered through {PSEUDO_QUEUE}"


if __name__ == "__main__":
    run(test)
