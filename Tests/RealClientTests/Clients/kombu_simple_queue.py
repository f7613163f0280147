"""kombu: SimpleQueue puts, gets, acknowledges, requeues, counts, clears, and raises Empty."""

from kombu import Exchange

from common import Failure, expect_equal, run, unique_name
from common_kombu import deleted_afterwards, open_connection


def test(arguments):
    name = unique_name("simple")
    with open_connection(arguments) as connection:
        queue = connection.SimpleQueue(name)
        # SimpleQueue declares a durable exchange of the queue's name.
        with deleted_afterwards(connection, queue.queue, Exchange(name)):
            bodies = [{"number": 1}, ["list", 2], "text", 4.5, None]
            for body in bodies:
                queue.put(body)
            first = queue.get(timeout=5)
            expect_equal(first.payload, bodies[0], "the first message")
            first.requeue()
            received = []
            for _ in bodies:
                message = queue.get(timeout=5)
                received.append(message.payload)
                message.ack()
            expect_equal(sorted(received, key=repr), sorted(bodies, key=repr), "payloads")
            expect_equal(queue.qsize(), 0, "size once all are acknowledged")
            try:
                queue.get(timeout=0.2)
            except queue.Empty:
                pass
            else:
                raise Failure("get of an empty queue returned a message")
            queue.close()
            refilled = connection.SimpleQueue(name)
            for number in range(3):
                refilled.put(number)
            refilled.close()
            counting = connection.SimpleQueue(name)
            expect_equal(counting.qsize(), 3, "size")
            expect_equal(counting.clear(), 3, "cleared messages")
            expect_equal(counting.qsize(), 0, "size after clear")
            counting.close()
    return "put, get, ack, requeue, qsize, clear and Empty"


if __name__ == "__main__":
    run(test)
