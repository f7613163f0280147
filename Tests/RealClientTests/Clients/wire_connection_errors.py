"""Raw sockets: protocol violations which client libraries prevent close the connection with code and text."""

import struct

from common import expect_equal, run, unique_name
from common_wire import (
    BASIC_CONSUME,
    BASIC_CONSUME_OK,
    BASIC_PUBLISH,
    CHANNEL_FLOW,
    CHANNEL_OPEN,
    FRAME_HEARTBEAT,
    PROTOCOL_HEADER,
    QUEUE_DECLARE,
    WireConnection,
    frame,
    long_string,
    short_string,
)

MANDATORY_AND_IMMEDIATE = 0b11


def opened(arguments):
    connection = WireConnection(arguments)
    connection.handshake()
    connection.open_channel(1)
    return connection


def test_reused_consumer_tag(arguments):
    queue, tag = unique_name("queue"), "consumer-tag"
    with opened(arguments) as connection:
        connection.declare_exclusive_queue(queue)
        consume = b"\0\0" + short_string(queue) + short_string(tag) + b"\0" + long_string(b"")
        connection.send_method(1, BASIC_CONSUME, consume)
        expect_equal(
            connection.receive_method(1, BASIC_CONSUME_OK), short_string(tag), "the consumer tag of consume-ok"
        )
        connection.send_method(1, BASIC_CONSUME, consume)
        text = f"NOT_ALLOWED - attempt to reuse consumer tag '{tag}'"
        connection.expect_connection_close(530, text, BASIC_CONSUME)


def test_not_implemented(arguments):
    with opened(arguments) as connection:
        connection.send_method(1, BASIC_PUBLISH, connection.publish_arguments("key", MANDATORY_AND_IMMEDIATE))
        # A publish takes effect with its content: here an empty body.
        connection.send(frame(2, 1, struct.pack(">HHQH", 60, 0, 0, 0)))
        connection.expect_connection_close(540, "NOT_IMPLEMENTED - immediate=true", BASIC_PUBLISH)
    with opened(arguments) as connection:
        connection.send_method(1, CHANNEL_FLOW, b"\0")
        connection.expect_connection_close(540, "NOT_IMPLEMENTED - active=false", CHANNEL_FLOW)


def test_channel_errors(arguments):
    with opened(arguments) as connection:
        connection.send_method(1, CHANNEL_OPEN, short_string(""))
        connection.expect_connection_close(504, "CHANNEL_ERROR - second 'channel.open' seen", CHANNEL_OPEN)
    with opened(arguments) as connection:
        declare = b"\0\0" + short_string("") + bytes([0b00100]) + long_string(b"")
        connection.send_method(2, QUEUE_DECLARE, declare)
        connection.expect_connection_close(504, "CHANNEL_ERROR - expected 'channel.open'", QUEUE_DECLARE)


def test_frame_errors(arguments):
    with opened(arguments) as connection:
        connection.send(frame(FRAME_HEARTBEAT, 0, b"", end=0))
        # The end of the text is how Erlang prints the error; clients look at the code.
        text = "FRAME_ERROR - type 8, all octets = <<>>: {invalid_frame_end_marker,0}"
        connection.expect_connection_close(501, text, (0, 0))
    with opened(arguments) as connection:
        connection.send(frame(FRAME_HEARTBEAT, 1, b""))
        text = "UNEXPECTED_FRAME - type 8, all octets = <<>>"
        connection.expect_connection_close(505, text, (0, 0))


def test_protocol_header(arguments):
    with WireConnection(arguments) as connection:
        connection.send(b"AMQP\x00\x00\x09\x02")
        expect_equal(connection.receive_bytes(8), PROTOCOL_HEADER, "the answer to another revision of the protocol")
        connection.expect_closed_socket()
    with WireConnection(arguments) as connection:
        connection.send(b"GET / HTTP/1.1\r\n\r\n")
        # RabbitMQ 3.10 names AMQP 0-9-1 here, 4.x its AMQP 1.0.
        expect_equal(connection.receive_bytes(4), b"AMQP", "the answer to something which is not AMQP")


def test(arguments):
    test_reused_consumer_tag(arguments)
    test_not_implemented(arguments)
    test_channel_errors(arguments)
    test_frame_errors(arguments)
    test_protocol_header(arguments)
    return "reused consumer tag, unimplemented methods, channel errors, frame errors and protocol headers"


if __name__ == "__main__":
    run(test)
