"""Raw sockets: every field table type and all basic properties come back byte by byte, got and pushed."""

import struct

from common import expect_equal, run, unique_name
from common_wire import (
    BASIC_CONSUME,
    BASIC_CONSUME_OK,
    BASIC_DELIVER,
    BASIC_GET,
    BASIC_GET_OK,
    BASIC_PUBLISH,
    FRAME_BODY,
    FRAME_HEADER,
    WireConnection,
    frame,
    long_string,
    short_string,
)

BODY = b"body"


def field(name, kind, value):
    return short_string(name) + kind + value


NESTED_TABLE = field("deep", b"F", long_string(field("deeper", b"t", b"\x01"))) + field(
    "int", b"I", struct.pack(">i", 7)
)
MIXED_ARRAY = (
    b"I" + struct.pack(">i", -1) + b"S" + long_string(b"text") + b"A" + long_string(b"V") + b"F" + long_string(b"")
)

# Sorted by name, because RabbitMQ 4.x delivers headers sorted.
FIELDS = [
    field("array", b"A", long_string(MIXED_ARRAY)),
    field("array empty", b"A", long_string(b"")),
    field("boolean false", b"t", b"\x00"),
    field("boolean true", b"t", b"\x01"),
    field("byte array", b"x", long_string(bytes(range(256)))),
    field("decimal", b"D", struct.pack(">BI", 2, 12345)),
    field("double", b"d", struct.pack(">d", -1.5e300)),
    field("float", b"f", struct.pack(">f", 0.15625)),
    field("int 16 signed", b"s", struct.pack(">h", -32768)),
    field("int 16 unsigned", b"u", struct.pack(">H", 65535)),
    field("int 32 signed", b"I", struct.pack(">i", -(2**31))),
    field("int 32 unsigned", b"i", struct.pack(">I", 2**32 - 1)),
    field("int 64 signed", b"l", struct.pack(">q", -(2**63))),
    field("int 8 signed", b"b", struct.pack(">b", -128)),
    field("int 8 unsigned", b"B", struct.pack(">B", 255)),
    field("long string", b"S", long_string("Straße 日本".encode())),
    field("long string empty", b"S", long_string(b"")),
    field("long string not UTF-8", b"S", long_string(b"\xff\xfe\x00")),
    field("table", b"F", long_string(NESTED_TABLE)),
    field("table empty", b"F", long_string(b"")),
    field("timestamp", b"T", struct.pack(">Q", 1700000000)),
    field("void", b"V", b""),
]


def complete_properties(username):
    present = 0b1111_1111_1111_1100
    values = [
        short_string("text/plain"),
        short_string("utf-8"),
        long_string(b"".join(FIELDS)),
        b"\x02",  # delivery mode
        b"\x05",  # priority
        short_string("correlation-id"),
        short_string("reply-to"),
        short_string("3600000"),  # expiration
        short_string("message-id"),
        struct.pack(">Q", 1700000001),
        short_string("type"),
        short_string(username),
        short_string("app-id"),
        short_string("cluster-id"),
    ]
    return struct.pack(">H", present) + b"".join(values)


def publish(connection, queue, properties):
    connection.send_method(1, BASIC_PUBLISH, connection.publish_arguments(queue))
    connection.send(frame(FRAME_HEADER, 1, struct.pack(">HHQ", 60, 0, len(BODY)) + properties))
    connection.send(frame(FRAME_BODY, 1, BODY))


def expect_content(connection, properties, when):
    frame_type, channel, payload = connection.receive_frame()
    expect_equal((frame_type, channel), (FRAME_HEADER, 1), f"type and channel of the content header {when}")
    expect_equal(struct.unpack(">HHQ", payload[:12]), (60, 0, len(BODY)), f"class, weight and body size {when}")
    expect_equal(payload[12:], properties, f"the bytes of the properties {when}")
    expect_equal(connection.receive_frame(), (FRAME_BODY, 1, BODY), f"the body frame {when}")


def test(arguments):
    queue = unique_name("queue")
    properties = complete_properties(arguments.username)
    with WireConnection(arguments) as connection:
        connection.handshake()
        connection.open_channel()
        connection.declare_exclusive_queue(queue)
        publish(connection, queue, properties)
        no_ack = b"\x01"
        connection.send_method(1, BASIC_GET, b"\0\0" + short_string(queue) + no_ack)
        connection.receive_method(1, BASIC_GET_OK)
        expect_content(connection, properties, "after basic.get")
        consume = b"\0\0" + short_string(queue) + short_string("tag") + b"\x02" + long_string(b"")
        connection.send_method(1, BASIC_CONSUME, consume)
        connection.receive_method(1, BASIC_CONSUME_OK)
        publish(connection, queue, properties)
        connection.receive_method(1, BASIC_DELIVER)
        expect_content(connection, properties, "after basic.deliver")
        no_properties = b"\0\0"
        publish(connection, queue, no_properties)
        connection.receive_method(1, BASIC_DELIVER)
        expect_content(connection, no_properties, "of a message without properties")
    return f"all basic properties and {len(FIELDS)} headers of every field type, byte by byte"


if __name__ == "__main__":
    run(test)
