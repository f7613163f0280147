"""kombu: a connection with heartbeats of 2 s stays open while it is idle, and notices nothing wrong."""

import socket
import time

from kombu import Producer, Queue

from common import expect, expect_equal, run, unique_name
from common_kombu import open_connection

HEARTBEAT_SECONDS = 2
IDLE_SECONDS = 5
# py-amqp sends a heartbeat only at a tick at least 2 s after the tick which saw the last one leave: at one tick a
# second that is up to 4 s apart, which RabbitMQ takes for two missed ones.
TICK_SECONDS = 0.25


def test(arguments):
    with open_connection(arguments, heartbeat=HEARTBEAT_SECONDS) as connection:
        connection.connect()
        expect_equal(int(connection.get_heartbeat_interval()), HEARTBEAT_SECONDS, "the negotiated heartbeat")
        deadline = time.monotonic() + IDLE_SECONDS
        while time.monotonic() < deadline:
            # Sends what is due, and raises when the broker's heartbeats are missing.
            connection.heartbeat_check(rate=2)
            try:
                connection.drain_events(timeout=TICK_SECONDS)
            except socket.timeout:
                pass
        expect(connection.connected, "the connection was lost while idle")
        with connection.channel() as channel:
            queue = Queue(unique_name("heartbeat"), exclusive=True, durable=False)(channel)
            queue.declare()
            Producer(channel).publish("after the pause", routing_key=queue.name)
            expect_equal(queue.get(no_ack=True).payload, "after the pause", "a message after the pause")
    return f"heartbeat {HEARTBEAT_SECONDS} s, open after {IDLE_SECONDS} idle seconds"


if __name__ == "__main__":
    run(test)
