"""pika BlockingConnection: the nack of a message which a full queue refuses."""

from pika.exceptions import NackError

from common import Failure, expect_equal, run
from common_pika import Session, declare_exclusive_queue, take_bodies


def test_nack_of_full_queue(session):
    channel = session.confirming_channel()
    queue = declare_exclusive_queue(channel, arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    for number in range(2):
        channel.basic_publish("", queue, str(number).encode())
    for number in range(2, 4):
        try:
            channel.basic_publish("", queue, str(number).encode())
        except NackError:
            continue
        raise Failure("a message beyond x-max-length with x-overflow=reject-publish was not nacked")
    expect_equal(take_bodies(channel, queue), [b"0", b"1"], "the messages within x-max-length")
    channel.basic_publish("", queue, b"room again")
    expect_equal(take_bodies(channel, queue), [b"room again"], "the message after the queue had room again")


def test(arguments):
    with Session(arguments) as session:
        test_nack_of_full_queue(session)
    return "nacks of a full queue"


if __name__ == "__main__":
    run(test)
