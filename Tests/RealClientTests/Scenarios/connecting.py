"""Connections and channels: negotiation, login, limits, and methods in the wrong state."""

import pika
from pika import spec
from pika.exceptions import AMQPConnectionError, ConnectionClosedByBroker

from scenario import scenario


def attempt_connection(session, **overrides):
    try:
        connection = session.connect(**overrides)
    except ConnectionClosedByBroker as closed:
        return {"connection.close": [closed.reply_code, closed.reply_text]}
    except AMQPConnectionError as error:
        return {"refused": type(error).__name__, "why": str(error.args[-1])}
    return {"ok": connection}


@scenario
def capabilities(session):
    properties = session.connection._impl.server_properties
    known = (
        "publisher_confirms exchange_exchange_bindings basic.nack consumer_cancel_notify connection.blocked"
        " consumer_priorities authentication_failure_close per_consumer_qos direct_reply_to"
    ).split()
    return {name: properties["capabilities"].get(name) for name in known}


@scenario
def server_properties(session):
    return sorted(session.connection._impl.server_properties)


@scenario
def tuned_values(session):
    parameters = session.connect()._impl.params
    return [parameters.channel_max, parameters.frame_max]


@scenario
def smaller_values_are_taken(session):
    connection = session.connect(channel_max=10, frame_max=8192)
    channel = connection.channel()
    channel.confirm_delivery()
    queue = session.queue(channel)
    session.publish(channel, "", queue, b"x" * 50000)
    return [
        connection._impl.params.channel_max,
        connection._impl.params.frame_max,
        len(session.take(channel, queue)[0]),
    ]


@scenario
def wrong_password(session):
    return attempt_connection(session, credentials=pika.PlainCredentials("guest", "wrong"))


@scenario
def unknown_user(session):
    return attempt_connection(session, credentials=pika.PlainCredentials("nobody", "guest"))


@scenario
def missing_virtual_host(session):
    return attempt_connection(session, virtual_host="no-such-host")


@scenario
def channel_limit(session):
    """pika counts channels too, so the method is sent as it is."""
    connection = session.connect(channel_max=3)
    for _ in range(3):
        last = connection.channel()

    def one_more(channel):
        connection._impl._send_method(4, spec.Channel.Open())
        session.wait(channel, lambda: False)

    return session.attempt(one_more, channel=last)


@scenario
def channel_numbers_are_free_again(session):
    connection = session.connect(channel_max=2)
    for _ in range(5):
        connection.channel(2).close()
    return connection.channel(2).channel_number


@scenario
def second_channel_open(session):
    def run(channel):
        channel._impl._send_method(spec.Channel.Open())

    return session.attempt(run, session.connect())


@scenario
def method_on_an_unopened_channel(session):
    connection = session.connect()
    channel = connection.channel()

    def run(_):
        connection._impl._send_method(99, spec.Basic.Qos(prefetch_count=1))
        session.wait(channel, lambda: False)

    return session.attempt(run, channel=channel)


@scenario
def update_secret(session):
    connection = session.connect()
    connection.update_secret("guest", "a reason")
    return connection.is_open


@scenario
def closed_connection_takes_its_channels(session):
    watching = session.channel()
    queue = session.durable_queue(watching)
    connection = session.connect()
    consumers = [connection.channel() for _ in range(3)]
    for channel in consumers:
        session.consume(channel, queue)
    before = watching.queue_declare(queue, passive=True).method.consumer_count
    connection.close()
    return [before, watching.queue_declare(queue, passive=True).method.consumer_count]


@scenario
def channel_error_leaves_the_others(session):
    connection = session.connect()
    other = connection.channel()
    refused = session.attempt(lambda channel: channel.queue_declare(session.name("missing"), passive=True), connection)
    return [refused, session.attempt(lambda _: session.queue(other), channel=other)]


@scenario
def connection_error_takes_all(session):
    connection = session.connect()
    queue = session.queue(connection.channel())
    refused = session.attempt(lambda channel: channel.basic_qos(prefetch_size=1), connection)
    return [refused, connection.is_open, session.attempt(lambda channel: channel.queue_declare(queue, passive=True))]
