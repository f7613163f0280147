"""pika: with heartbeats of 2 s an idle connection stays open and usable."""

from common import expect, expect_equal, run
from common_pika import Session, declare_exclusive_queue

HEARTBEAT_SECONDS = 2
IDLE_SECONDS = 5


def test(arguments):
    with Session(arguments) as session:
        connection = session.connect(heartbeat=HEARTBEAT_SECONDS)
        channel = connection.channel()
        queue = declare_exclusive_queue(channel)
        # pika sends its heartbeats, and gives up when the broker's are missing, while it sleeps here.
        connection.sleep(IDLE_SECONDS)
        expect(connection.is_open, "the idle connection was closed")
        channel.basic_publish("", queue, b"after the pause")
        expect_equal(channel.basic_get(queue, auto_ack=True)[2], b"after the pause", "a message after the pause")
    return f"heartbeat {HEARTBEAT_SECONDS} s, open after {IDLE_SECONDS} idle seconds"


if __name__ == "__main__":
    run(test)
