"""pika: all basic properties and the header values pika can write come back with value and type."""

from datetime import datetime, timezone
from decimal import Decimal

from pika import BasicProperties
from pika.compat import long

from common import expect_equal, run
from common_pika import Session, declare_exclusive_queue, expect_channel_closed, get_message

HEADERS = {
    "boolean false": False,
    "boolean true": True,
    "byte array": b"\x00\xff\xfe",
    "decimal": Decimal("123.45"),
    "empty array": [],
    "empty string": "",
    "empty table": {},
    "long maximum": long(2**63 - 1),
    "long minimum": long(-(2**63)),
    "long small": long(1),
    "nested": {"array": [1, "two", [3, {"four": None}]], "table": {"deep": {"deeper": True}}},
    "signed int": -2147483648,
    "string": "Straße 日本 🐇",
    "timestamp": datetime(2024, 2, 29, 12, 34, 56, tzinfo=timezone.utc),
    "void": None,
}


def typed(value):
    """The value with its type at each level: True == 1 and long(1) == 1 must not pass."""
    if isinstance(value, dict):
        return {name: typed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value).__name__, value


def test(arguments):
    complete = BasicProperties(
        content_type="application/json",
        content_encoding="gzip",
        headers=HEADERS,
        delivery_mode=2,
        priority=9,
        correlation_id="correlation",
        reply_to="reply-to",
        expiration="60000",
        message_id="message-id",
        timestamp=1700000000,
        type="type",
        user_id=arguments.username,
        app_id="app-id",
        cluster_id="cluster-id",
    )
    with Session(arguments) as session:
        channel = session.confirming_channel()
        queue = declare_exclusive_queue(channel)
        for properties in (complete, BasicProperties(), BasicProperties(headers={}), BasicProperties(priority=0)):
            channel.basic_publish("", queue, b"body", properties)
            _, received, _ = get_message(channel, queue, auto_ack=True)
            expect_equal(typed(vars(received)), typed(vars(properties)), "basic properties")
        expect_channel_closed(
            channel.connection,
            lambda other: other.basic_publish("", queue, b"", BasicProperties(user_id="somebody")),
            406,
            "PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated user was "
            f"'{arguments.username}'",
        )
    return f"all basic properties and {len(HEADERS)} headers"


if __name__ == "__main__":
    run(test)
