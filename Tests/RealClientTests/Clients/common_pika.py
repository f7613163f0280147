"""Shared by the pika scripts: connections, tracked topology, and expectations about refusals."""

import pika
from pika.exceptions import AMQPError, ChannelClosedByBroker, ConnectionClosedByBroker

from common import Failure, expect, expect_equal, unique_name, wait_until


def connection_parameters(arguments, **overrides):
    settings = {
        "host": arguments.host,
        "port": arguments.port,
        "virtual_host": "/",
        "credentials": pika.PlainCredentials(arguments.username, arguments.password),
        "socket_timeout": 10,
        "blocked_connection_timeout": 10,
    }
    settings.update(overrides)
    return pika.ConnectionParameters(**settings)


class Session:
    """Closes its connections and deletes what was declared through it, also when the test fails."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.connections = []
        self.exchanges = []
        self.queues = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self.connections:
            if connection.is_open:
                try:
                    connection.close()
                except AMQPError:
                    pass
        if self.exchanges or self.queues:
            with pika.BlockingConnection(connection_parameters(self.arguments)) as connection:
                channel = connection.channel()
                for name in self.queues:
                    channel.queue_delete(name)
                for name in self.exchanges:
                    channel.exchange_delete(name)

    def connect(self, **overrides):
        connection = pika.BlockingConnection(connection_parameters(self.arguments, **overrides))
        self.connections.append(connection)
        return connection

    def confirming_channel(self):
        """A publish returns once the broker has confirmed it, so what follows needs no waiting."""
        channel = self.connect().channel()
        channel.confirm_delivery()
        return channel

    def declare_exchange(self, channel, exchange_type, **options):
        name = unique_name(exchange_type)
        self.exchanges.append(name)
        channel.exchange_declare(name, exchange_type, **options)
        return name

    def declare_shared_queue(self, channel, label, **options):
        """Durable: RabbitMQ 4.3 refuses queues which are neither durable nor exclusive."""
        name = unique_name(label)
        self.queues.append(name)
        channel.queue_declare(name, durable=True, **options)
        return name


def declare_exclusive_queue(channel, label="queue", **options):
    name = unique_name(label)
    channel.queue_declare(name, exclusive=True, **options)
    return name


def take_bodies(channel, queue):
    """Gets and acknowledges all ready messages."""
    bodies = []
    while True:
        method, _, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return bodies
        bodies.append(body)


def queues_reached(channel, queues):
    """The labels of those `queues` (label: name) which hold one message; no queue may hold more."""
    bodies = {label: take_bodies(channel, queue) for label, queue in queues.items()}
    expect_equal({label: held for label, held in bodies.items() if len(held) > 1}, {}, "queues with more than one copy")
    return {label for label, held in bodies.items() if held}


def get_message(channel, queue, timeout=10.0, auto_ack=False):
    """Polls for one message: dead-lettering and requeueing on a lost connection take a moment."""
    found = []

    def poll():
        method, properties, body = channel.basic_get(queue, auto_ack=auto_ack)
        if method is not None:
            found.append((method, properties, body))
        else:
            channel.connection.sleep(0.02)

    wait_until(lambda: found, f"a message in queue '{queue}'", timeout, poll)
    return found[0]


def message_count(channel, queue):
    return channel.queue_declare(queue, passive=True).method.message_count


def wait_for_message_count(channel, queue, count):
    wait_until(
        lambda: message_count(channel, queue) == count,
        f"{count} ready messages in queue '{queue}'",
        step=lambda: channel.connection.sleep(0.02),
    )


def expect_channel_closed(connection, action, reply_code, reply_text):
    """`action(channel)` must make the broker close that channel, and only the channel."""
    channel = connection.channel()
    try:
        action(channel)
        # Refusals of methods without an answer (publish, ack) arrive with the next answer.
        channel.basic_qos(prefetch_count=1)
    except ChannelClosedByBroker as closed:
        expect_equal((closed.reply_code, closed.reply_text), (reply_code, reply_text), "channel.close")
    else:
        raise Failure(f"the channel stayed open, expected {reply_code} {reply_text!r}")
    expect(connection.is_open, f"the connection was closed too, after {reply_text!r}")


def expect_connection_closed(session, action, reply_code, reply_text):
    """`action(channel)` on a connection of its own must make the broker close that connection."""
    connection = session.connect()
    channel = connection.channel()
    try:
        action(channel)
        channel.basic_qos(prefetch_count=1)
    except ConnectionClosedByBroker as closed:
        expect_equal((closed.reply_code, closed.reply_text), (reply_code, reply_text), "connection.close")
    else:
        raise Failure(f"the connection stayed open, expected {reply_code} {reply_text!r}")
