"""pika: empty, frame-sized and 5 MiB bodies come back byte by byte, pushed and got."""

import hashlib
import random

from common import expect_equal, run, wait_until
from common_pika import Session, declare_exclusive_queue

# Around the body of one frame: frame-max less the 8 bytes of frame header and end.
FRAME_MAX = 131072
SIZES = [0, 1, FRAME_MAX - 9, FRAME_MAX - 8, FRAME_MAX - 7, 2 * (FRAME_MAX - 8), 1024 * 1024 + 1, 5 * 1024 * 1024]


def digests(bodies):
    return [(len(body), hashlib.sha256(body).hexdigest()) for body in bodies]


def test(arguments):
    bodies = [random.Random(size).randbytes(size) for size in SIZES]
    with Session(arguments) as session:
        publisher = session.confirming_channel()
        queue = declare_exclusive_queue(publisher)
        for body in bodies:
            publisher.basic_publish("", queue, body)
        got = [publisher.basic_get(queue, auto_ack=True)[2] for _ in bodies]
        expect_equal(digests(got), digests(bodies), "sizes and digests of the bodies got")

        # A frame-max of its own for the consumer: the broker must split bodies anew.
        consumer = session.connect(frame_max=8192).channel()
        shared = session.declare_shared_queue(consumer, "bodies")
        pushed = []
        consumer.basic_consume(shared, lambda _channel, _method, _properties, body: pushed.append(body), auto_ack=True)
        for body in bodies:
            publisher.basic_publish("", shared, body)
        wait_until(
            lambda: len(pushed) >= len(bodies),
            "all bodies to be pushed",
            timeout=20,
            step=lambda: consumer.connection.process_data_events(0.1),
        )
        expect_equal(digests(pushed), digests(bodies), "sizes and digests of the bodies pushed")
    return f"{len(SIZES)} bodies of 0 to {max(SIZES)} bytes"


if __name__ == "__main__":
    run(test)
