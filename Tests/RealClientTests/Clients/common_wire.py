"""Shared by the wire scripts: just enough AMQP 0-9-1 to send what no client library would send."""

import socket
import struct

from common import Failure, expect_equal

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
FRAME_METHOD, FRAME_HEADER, FRAME_BODY, FRAME_HEARTBEAT = 1, 2, 3, 8
FRAME_END = 0xCE

# (class, method) numbers of the specification.
CONNECTION_START, CONNECTION_START_OK = (10, 10), (10, 11)
CONNECTION_TUNE, CONNECTION_TUNE_OK = (10, 30), (10, 31)
CONNECTION_OPEN, CONNECTION_OPEN_OK = (10, 40), (10, 41)
CONNECTION_CLOSE, CONNECTION_CLOSE_OK = (10, 50), (10, 51)
CHANNEL_OPEN, CHANNEL_OPEN_OK = (20, 10), (20, 11)
CHANNEL_FLOW, CHANNEL_CLOSE = (20, 20), (20, 40)
QUEUE_DECLARE, QUEUE_DECLARE_OK = (50, 10), (50, 11)
BASIC_CONSUME, BASIC_CONSUME_OK = (60, 20), (60, 21)
BASIC_PUBLISH, BASIC_DELIVER = (60, 40), (60, 60)
BASIC_GET, BASIC_GET_OK = (60, 70), (60, 71)


def short_string(text):
    encoded = text.encode()
    return struct.pack(">B", len(encoded)) + encoded


def long_string(data):
    return struct.pack(">I", len(data)) + data


def frame(frame_type, channel, payload, end=FRAME_END):
    return struct.pack(">BHI", frame_type, channel, len(payload)) + payload + bytes([end])


class WireConnection:
    def __init__(self, arguments, timeout=10.0):
        self.arguments = arguments
        self.socket = socket.create_connection((arguments.host, arguments.port), timeout=timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_method(self, channel, method, arguments=b""):
        self.send(frame(FRAME_METHOD, channel, struct.pack(">HH", *method) + arguments))

    def receive_bytes(self, count):
        while len(self.buffer) < count:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError("the broker closed the socket")
            self.buffer += data
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def receive_frame(self):
        frame_type, channel, size = struct.unpack(">BHI", self.receive_bytes(7))
        payload = self.receive_bytes(size)
        expect_equal(self.receive_bytes(1), bytes([FRAME_END]), "frame end")
        return frame_type, channel, payload

    def receive_method(self, channel, method):
        """The arguments of the next frame, which must be that method; heartbeats are skipped."""
        frame_type, actual_channel, payload = self.receive_frame()
        while frame_type == FRAME_HEARTBEAT:
            frame_type, actual_channel, payload = self.receive_frame()
        actual = (frame_type, actual_channel, struct.unpack(">HH", payload[:4]))
        if actual != (FRAME_METHOD, channel, method):
            raise Failure(f"expected method {method} on channel {channel}, got {actual} with {payload[4:]!r}")
        return payload[4:]

    def handshake(self, heartbeat=0, client_properties=b""):
        self.send(PROTOCOL_HEADER)
        self.receive_method(0, CONNECTION_START)
        response = f"\0{self.arguments.username}\0{self.arguments.password}".encode()
        start_ok = (
            long_string(client_properties) + short_string("PLAIN") + long_string(response) + short_string("en_US")
        )
        self.send_method(0, CONNECTION_START_OK, start_ok)
        channel_max, frame_max, _ = struct.unpack(">HIH", self.receive_method(0, CONNECTION_TUNE))
        self.send_method(0, CONNECTION_TUNE_OK, struct.pack(">HIH", channel_max, frame_max, heartbeat))
        self.send_method(0, CONNECTION_OPEN, short_string("/") + short_string("") + b"\0")
        self.receive_method(0, CONNECTION_OPEN_OK)

    def open_channel(self, channel=1):
        self.send_method(channel, CHANNEL_OPEN, short_string(""))
        self.receive_method(channel, CHANNEL_OPEN_OK)

    def declare_exclusive_queue(self, queue, channel=1):
        exclusive = 0b00100
        self.send_method(channel, QUEUE_DECLARE, b"\0\0" + short_string(queue) + bytes([exclusive]) + long_string(b""))
        self.receive_method(channel, QUEUE_DECLARE_OK)

    def publish_arguments(self, routing_key, flags=0):
        return b"\0\0" + short_string("") + short_string(routing_key) + bytes([flags])

    def expect_closed_socket(self):
        try:
            rest = self.socket.recv(1)
        except ConnectionResetError:
            return
        expect_equal(rest, b"", "bytes after the end of the connection")

    def expect_connection_close(self, reply_code, reply_text, method):
        """The next method is connection.close with exactly this; it is answered and the socket must end."""
        self._expect_close(0, CONNECTION_CLOSE, reply_code, reply_text, method)
        self.send_method(0, CONNECTION_CLOSE_OK)
        self.expect_closed_socket()

    def expect_channel_close(self, channel, reply_code, reply_text, method):
        self._expect_close(channel, CHANNEL_CLOSE, reply_code, reply_text, method)

    def _expect_close(self, channel, close_method, reply_code, reply_text, method):
        arguments = self.receive_method(channel, close_method)
        code, length = struct.unpack(">HB", arguments[:3])
        text = arguments[3 : 3 + length].decode()
        class_and_method = struct.unpack(">HH", arguments[3 + length :])
        expect_equal(
            (code, text, class_and_method), (reply_code, reply_text, method), "code, text and method of the close"
        )
