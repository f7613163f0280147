"""pika: dead-lettering of expired and overflowing messages, and each field of x-death."""

from pika import BasicProperties

from common import expect_equal, run
from common_pika import Session
from pika_dead_letter import check_headers, dead_letter_one


def overflow(channel, _source, exchange):
    channel.basic_publish(exchange, "original", b"newer")


def test_expired(session):
    received, source, exchange, not_before = dead_letter_one(session, {"x-message-ttl": 50}, "expired")
    check_headers(session.arguments, received, source, exchange, "expired", not_before)
    # A message's own expiration moves into x-death, or the message would expire again.
    received, source, exchange, not_before = dead_letter_one(session, {}, "expired", BasicProperties(expiration="50"))
    check_headers(session.arguments, received, source, exchange, "expired", not_before, **{"original-expiration": "50"})
    expect_equal(received.expiration, None, "expiration of a dead-lettered message")


def test_overflow(session):
    received, source, exchange, not_before = dead_letter_one(session, {"x-max-length": 1}, "maxlen", None, overflow)
    check_headers(session.arguments, received, source, exchange, "maxlen", not_before)


def test(arguments):
    with Session(arguments) as session:
        test_expired(session)
        test_overflow(session)
    return "expired and overflowing messages dead-lettered with complete x-death headers"


if __name__ == "__main__":
    run(test)
