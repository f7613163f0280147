"""pika: 1000 open connections, each with a channel and an exclusive queue; one message is fanned out to all."""

import resource

from common import Failure, expect_equal, run
from common_pika import Session, declare_exclusive_queue, get_message

CONNECTION_COUNT = 1000
# A blocking connection of pika has a socket, a poller and a pair of sockets to wake it up.
NEEDED_FILES = 5 * CONNECTION_COUNT


def raise_open_files_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < NEEDED_FILES:
        raise Failure(f"this machine allows {hard} open files, the script needs {NEEDED_FILES}: raise 'ulimit -Hn'")
    if soft != resource.RLIM_INFINITY and soft < NEEDED_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (NEEDED_FILES, hard))


def test(arguments):
    raise_open_files_limit()
    with Session(arguments) as session:
        publisher = session.confirming_channel()
        exchange = session.declare_exchange(publisher, "fanout")
        subscribers = []
        for _ in range(CONNECTION_COUNT):
            # Without heartbeats: the connections wait idle while the others are opened one by one.
            channel = session.connect(heartbeat=0).channel()
            queue = declare_exclusive_queue(channel)
            channel.queue_bind(queue, exchange)
            subscribers.append((channel, queue))
        publisher.basic_publish(exchange, "", b"to all", mandatory=True)
        for number, (channel, queue) in enumerate(subscribers):
            method, _, body = get_message(channel, queue, auto_ack=True)
            actual = (method.exchange, method.message_count, body)
            expect_equal(actual, (exchange, 0, b"to all"), f"the message of connection {number}")
    return f"one message reached each of {CONNECTION_COUNT} connections"


if __name__ == "__main__":
    run(test, timeout=60)
