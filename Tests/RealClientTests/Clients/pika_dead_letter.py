"""pika: dead-lettering of rejected messages, and each field of x-death."""

import time
from datetime import datetime, timezone

from pika import BasicProperties
from pika.compat import long

from common import expect, expect_equal, run, unique_name
from common_pika import Session, declare_exclusive_queue, get_message


def check_death(death, expected, not_before):
    """`expected` has all fields but the time, which must lie between `not_before` and now."""
    expect_equal(type(death.get("count")), long, "the type of count in x-death, a 64-bit integer")
    death_time = death.get("time")
    expect(isinstance(death_time, datetime), f"time in x-death is a timestamp, got {death_time!r}")
    earliest = datetime.fromtimestamp(int(not_before), timezone.utc)
    expect(
        earliest <= death_time <= datetime.now(timezone.utc), f"time in x-death: {death_time}, test began {earliest}"
    )
    expect_equal({name: value for name, value in death.items() if name != "time"}, expected, "an entry of x-death")


def death_entry(queue, reason, exchange, routing_keys, count=1, **more):
    entry = {"count": long(count), "reason": reason, "queue": queue, "exchange": exchange, "routing-keys": routing_keys}
    return {**entry, **more}


def summary_headers(arguments, first, last):
    """The x-first-death-* and x-last-death-* headers, each from (reason, queue, exchange)."""
    headers = dict(zip(("x-first-death-reason", "x-first-death-queue", "x-first-death-exchange"), first))
    # RabbitMQ 3.10 has no x-last-death-* headers.
    if not arguments.reference:
        headers.update(zip(("x-last-death-reason", "x-last-death-queue", "x-last-death-exchange"), last))
    return headers


def dead_letter_one(session, queue_arguments, reason, properties=None, kill=None, with_key=None):
    """Dead-letters one message published with key "original"; returns what arrived and the names involved."""
    channel = session.confirming_channel()
    exchange = session.declare_exchange(channel, "direct")
    dead_letter_exchange = session.declare_exchange(channel, "direct")
    routing = {"x-dead-letter-exchange": dead_letter_exchange}
    if with_key:
        routing["x-dead-letter-routing-key"] = with_key
    source = declare_exclusive_queue(channel, "source", arguments={**routing, **queue_arguments})
    target = declare_exclusive_queue(channel, "target")
    channel.queue_bind(source, exchange, "original")
    channel.queue_bind(target, dead_letter_exchange, with_key or "original")
    not_before = time.time()
    channel.basic_publish(exchange, "original", b"body", properties)
    if kill:
        kill(channel, source, exchange)
    method, received, body = get_message(channel, target)
    actual = (method.exchange, method.routing_key, method.redelivered, body)
    expect_equal(
        actual, (dead_letter_exchange, with_key or "original", False, b"body"), f"the message dead-lettered as {reason}"
    )
    return received, source, exchange, not_before


def reject(channel, source, _exchange):
    channel.basic_reject(get_message(channel, source)[0].delivery_tag, requeue=False)


def nack(channel, source, _exchange):
    channel.basic_nack(get_message(channel, source)[0].delivery_tag, requeue=False)


def check_headers(arguments, received, source, exchange, reason, not_before, own_headers=None, **more):
    headers = dict(received.headers)
    deaths = headers.pop("x-death", None)
    expect(isinstance(deaths, list) and len(deaths) == 1, f"x-death has one entry: {deaths!r}")
    check_death(deaths[0], death_entry(source, reason, exchange, ["original"], **more), not_before)
    origin = (reason, source, exchange)
    expect_equal(headers, {**summary_headers(arguments, origin, origin), **(own_headers or {})}, "the other headers")


def test_rejected(session):
    own = {"tenant": "blue", "x-own": 1}
    for kill in (reject, nack):
        for with_key in (None, "replaced"):
            properties = BasicProperties(headers=dict(own), message_id="id", delivery_mode=2, content_type="text/plain")
            received, source, exchange, not_before = dead_letter_one(
                session, {}, "rejected", properties, kill, with_key
            )
            kept = (received.message_id, received.delivery_mode, received.content_type)
            expect_equal(kept, ("id", 2, "text/plain"), "properties kept")
            check_headers(session.arguments, received, source, exchange, "rejected", not_before, own)


def test_missing_exchange(session):
    """A dead-letter exchange which is not there: the message is dropped and nothing else happens."""
    channel = session.confirming_channel()
    source = declare_exclusive_queue(channel, arguments={"x-dead-letter-exchange": unique_name("missing")})
    channel.basic_publish("", source, b"dropped")
    reject(channel, source, "")
    channel.basic_publish("", source, b"next")
    method, _, body = get_message(channel, source)
    expect_equal(
        (body, method.redelivered, method.message_count), (b"next", False, 0), "the message after the dropped one"
    )


def test(arguments):
    with Session(arguments) as session:
        test_rejected(session)
        test_missing_exchange(session)
    return "rejected messages dead-lettered with complete x-death headers"


if __name__ == "__main__":
    run(test)
