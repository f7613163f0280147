"""Shared by the kombu scripts: the connection, and draining until a condition holds."""

import socket
from contextlib import contextmanager

import kombu

from common import wait_until


def open_connection(arguments, **options):
    return kombu.Connection(
        hostname=arguments.host,
        port=arguments.port,
        userid=arguments.username,
        password=arguments.password,
        virtual_host="/",
        transport="pyamqp",
        connect_timeout=10,
        **options,
    )


@contextmanager
def deleted_afterwards(connection, *entities):
    """Deletes queues and exchanges, on a connection of its own: the other may have failed or have consumers."""
    try:
        yield
    finally:
        with connection.clone() as other, other.channel() as channel:
            for entity in entities:
                entity(channel).delete()


def drain_until(connection, condition, what, timeout=10.0):
    def drain():
        try:
            connection.drain_events(timeout=0.1)
        except socket.timeout:
            pass

    wait_until(condition, what, timeout, drain)
