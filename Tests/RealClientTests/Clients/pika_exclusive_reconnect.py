"""pika: an exclusive queue is gone when its connection has closed, so a reconnecting client redeclares it at once."""

from common import expect_equal, run, unique_name
from common_pika import Session, expect_channel_closed

ROUNDS = 20


def test(arguments):
    with Session(arguments) as session:
        queue = unique_name("exclusive")
        for _ in range(ROUNDS):
            connection = session.connect()
            channel = connection.channel()
            # A queue left over would be refused with 405 here.
            declared = channel.queue_declare(queue, exclusive=True).method
            expect_equal(
                (declared.message_count, declared.consumer_count), (0, 0), "a new queue's messages and consumers"
            )
            channel.basic_publish("", queue, b"gone with the queue")
            channel.basic_consume(queue, lambda *_: None)
            connection.close()
        expect_channel_closed(
            session.connect(),
            lambda channel: channel.queue_declare(queue, passive=True),
            404,
            f"NOT_FOUND - no queue '{queue}' in vhost '/'",
        )
    return f"{ROUNDS} reconnects, each redeclared the exclusive queue at once"


if __name__ == "__main__":
    run(test)
