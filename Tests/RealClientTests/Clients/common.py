"""Shared by every client script: arguments, unique names, a watchdog and exact assertions."""

import argparse
import faulthandler
import logging
import os
import sys
import threading
import time
import traceback
import uuid

DEFAULT_TIMEOUT_SECONDS = 30


class Failure(AssertionError):
    """The broker behaved differently from what the script asserts."""


def parse_arguments(description, add_options=None):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5672)
    parser.add_argument("--username", default="guest")
    parser.add_argument("--password", default="guest")
    parser.add_argument(
        "--reference",
        action="store_true",
        help="the broker is RabbitMQ 3.10: expect its values where they are known to differ from 4.x",
    )
    if add_options:
        add_options(parser)
    return parser.parse_args()


def unique_name(label):
    # Short, because RabbitMQ cuts a reply text at 255 characters.
    return f"t-{uuid.uuid4().hex[:8]}-{label}"


def expect(condition, what):
    if not condition:
        raise Failure(what)


def expect_equal(actual, expected, what):
    if type(actual) is not type(expected) or actual != expected:
        raise Failure(f"{what}: expected {expected!r}, got {actual!r}")


def wait_until(condition, what, timeout=10.0, step=None):
    """Calls `step` (by default a short sleep) until `condition` holds; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            raise Failure(f"not within {timeout:g} s: {what}")
        if step:
            step()
        else:
            time.sleep(0.01)


def start_watchdog(timeout):
    def give_up():
        faulthandler.dump_traceback(file=sys.stderr)
        print(f"failed: not finished within {timeout:g} s", file=sys.stderr, flush=True)
        os._exit(1)

    watchdog = threading.Timer(timeout, give_up)
    watchdog.daemon = True
    watchdog.start()


def run(test, timeout=DEFAULT_TIMEOUT_SECONDS, add_options=None):
    """Runs `test(arguments)`; its return value is what the one `ok:` line says."""
    # The clients log every refusal as an error; the scripts provoke refusals on purpose.
    logging.getLogger().addHandler(logging.NullHandler())
    arguments = parse_arguments(sys.modules[test.__module__].__doc__, add_options)
    start_watchdog(timeout)
    try:
        summary = test(arguments)
    except Exception as error:
        traceback.print_exc()
        kind = "" if isinstance(error, Failure) else f"{type(error).__name__}: "
        print(f"failed: {kind}{error}", file=sys.stderr)
        sys.exit(1)
    print(f"ok: {summary}")
