"""Raw sockets: a client which negotiated heartbeats of 1 s and goes silent gets heartbeats and is disconnected."""

import time

from common import expect, expect_equal, run
from common_wire import FRAME_HEARTBEAT, WireConnection, frame

HEARTBEAT_SECONDS = 1
KEPT_ALIVE_SECONDS = 3.0
# Two missed intervals, at the earliest seen after the second and at the latest a check later.
EARLIEST_SECONDS, LATEST_SECONDS = 1.0, 4.5


def receive_heartbeats_until_disconnected(connection):
    heartbeats = 0
    try:
        while True:
            expect_equal(connection.receive_frame(), (FRAME_HEARTBEAT, 0, b""), "a frame sent to an idle client")
            heartbeats += 1
    except (EOFError, ConnectionResetError):
        return heartbeats


def test(arguments):
    with WireConnection(arguments) as connection:
        connection.handshake(heartbeat=HEARTBEAT_SECONDS)
        # Heartbeat frames alone keep it open.
        deadline = time.monotonic() + KEPT_ALIVE_SECONDS
        while time.monotonic() < deadline:
            connection.send(frame(FRAME_HEARTBEAT, 0, b""))
            time.sleep(HEARTBEAT_SECONDS / 2)
        connection.open_channel()
        silent_since = time.monotonic()
        heartbeats = receive_heartbeats_until_disconnected(connection)
        elapsed = time.monotonic() - silent_since
    expect(heartbeats >= 1, "the broker sent no heartbeat before it disconnected the silent client")
    expect(
        EARLIEST_SECONDS <= elapsed <= LATEST_SECONDS,
        f"a silent client with heartbeats of {HEARTBEAT_SECONDS} s was disconnected after {elapsed:.1f} s, "
        f"expected {EARLIEST_SECONDS} to {LATEST_SECONDS} s",
    )
    return f"kept alive by heartbeats for {KEPT_ALIVE_SECONDS:g} s, disconnected after {elapsed:.1f} s of silence"


if __name__ == "__main__":
    run(test)
