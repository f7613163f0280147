"""basic.publish: refusals, returns, confirms, and which properties and bodies come through."""

from datetime import datetime, timezone
from decimal import Decimal

import pika
from pika import spec
from pika.compat import long

from scenario import scenario, shown


def confirmed(session, channel, count):
    """Collects raw confirms on a channel from now on; waits until they cover `count` messages."""
    frames = []
    settled = {}

    def collect(frame):
        method = frame.method
        name = method.NAME.split(".")[1].lower()
        first = max(settled, default=0) + 1 if method.multiple else method.delivery_tag
        for tag in range(first, method.delivery_tag + 1):
            settled[tag] = name
        frames.append(method)

    for kind in (spec.Basic.Ack, spec.Basic.Nack):
        channel._impl.callbacks.add(channel.channel_number, kind, collect, False)
    channel._impl._send_method(spec.Confirm.Select(nowait=True))
    return lambda: session.wait(channel, lambda: len(settled) >= count) or [settled[tag] for tag in sorted(settled)]


@scenario
def confirms_number_from_one(session):
    channel = session.channel(confirming=False)
    queue = session.queue(channel)
    channel.basic_publish("", queue, b"before")
    wait = confirmed(session, channel, 4)
    for number in range(4):
        channel.basic_publish("", queue, str(number).encode())
    return [wait(), session.take(channel, queue)]


@scenario
def confirm_of_an_unroutable_message(session):
    channel = session.channel()
    return session.publish(channel, "", session.name("missing"))


@scenario
def confirm_select_twice(session):
    def select(channel):
        channel._impl._send_method(spec.Confirm.Select())
        session.settle(channel)
        channel._impl._send_method(spec.Confirm.Select())

    return session.attempt(select)


@scenario
def confirms_of_persistent_messages(session):
    channel = session.channel()
    queue = session.durable_queue(channel)
    return [session.publish_each(channel, queue, ["1", "2", "3"], delivery_mode=2), session.take(channel, queue)]


@scenario
def mandatory_return(session):
    channel = session.channel()
    return [
        session.publish(channel, "", session.name("missing"), mandatory=True),
        session.publish(channel, "amq.fanout", "key", mandatory=True),
        session.publish(channel, "amq.topic", session.name("key"), mandatory=True),
    ]


@scenario
def returned_message_is_whole(session):
    channel = session.channel(confirming=False)
    returned = []
    channel.add_on_return_callback(lambda _, method, properties, body: returned.append((method, properties, body)))
    headers = {"a": 1, "CC": ["no such queue"], "BCC": ["nor this"]}
    properties = dict(headers=headers, message_id="id", delivery_mode=2, expiration="5000", priority=3)
    session.publish(channel, "", session.name("missing"), "body", mandatory=True, **properties)
    session.wait(channel, lambda: returned)
    method, properties, body = returned[0]
    return [method.reply_code, method.reply_text, method.exchange, method.routing_key, shown(properties), body]


@scenario
def returns_keep_order_before_their_confirms(session):
    channel = session.channel(confirming=False)
    events = []
    queue = session.queue(channel)
    channel._impl.callbacks.add(
        channel.channel_number, spec.Basic.Ack, lambda frame: events.append(["ack", frame.method.delivery_tag]), False
    )
    channel._impl.add_on_return_callback(lambda _, method, properties, body: events.append(["return", body]))
    channel._impl._send_method(spec.Confirm.Select(nowait=True))
    for number in range(1, 4):
        session.publish(channel, "", session.name("missing"), str(number), mandatory=True)
        session.wait(channel, lambda: events and events[-1] == ["ack", number])
    session.publish(channel, "", queue, "routed", mandatory=True)
    session.wait(channel, lambda: events[-1] == ["ack", 4])
    return events


@scenario
def immediate(session):
    def publish(channel):
        method = spec.Basic.Publish(exchange="", routing_key="key", immediate=True)
        channel._impl._send_method(method, (pika.BasicProperties(), b"body"))

    return session.attempt(publish)


@scenario
def every_property(session):
    channel = session.channel()
    queue = session.queue(channel)
    properties = dict(
        content_type="text/plain",
        content_encoding="utf-8",
        delivery_mode=2,
        priority=7,
        correlation_id="c",
        reply_to="r",
        expiration="60000",
        message_id="m",
        timestamp=1700000000,
        type="t",
        user_id="guest",
        app_id="a",
        cluster_id="x",
        headers={"h": "v"},
    )
    session.publish(channel, "", queue, **properties)
    return session.get(channel, queue)


@scenario
def header_types(session):
    channel = session.channel()
    queue = session.queue(channel)
    headers = {
        "text": "héllo",
        "true": True,
        "int": 5,
        "negative": -5,
        "long": long(1 << 40),
        "decimal": Decimal("1.5"),
        "time": None,
        "moment": datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
        "void": None,
        "bytes": b"\x00\xff",
        "array": [1, "two", [3], {"four": 4}],
        "table": {"a": {"b": {"c": 1}}},
        "": "empty name",
    }
    session.publish(channel, "", queue, headers=headers)
    return session.get(channel, queue)


@scenario
def bodies(session):
    channel = session.channel()
    queue = session.queue(channel)
    frame = 131072 - 8
    sizes = [0, 1, frame - 1, frame, frame + 1, 3 * frame, 1 << 20]
    for size in sizes:
        session.publish(channel, "", queue, bytes(range(256)) * (size // 256) + b"x" * (size % 256))
    got = [channel.basic_get(queue, auto_ack=True)[2] for _ in sizes]
    return [[len(body), body[-1:].decode("latin-1")] for body in got]


@scenario
def size_limit(session):
    """4.x: 16 MiB by default."""
    body = bytes(16 * 1024 * 1024 + 1)

    def publish(channel):
        channel.confirm_delivery()
        return session.publish(channel, "", session.name("missing"), body)

    return session.attempt(publish)


@scenario
def user_id(session):
    def publish(user):
        properties = pika.BasicProperties(user_id=user)
        return session.attempt(lambda channel: channel.basic_publish("", "key", b"", properties))

    return [publish("guest"), publish("somebody"), publish("")]


@scenario
def expiration_values(session):
    def publish(value):
        properties = pika.BasicProperties(expiration=value)
        return session.attempt(lambda channel: channel.basic_publish("", "key", b"", properties))

    values = ("0", "1000", "-1", "abc", "", "1.5", "10s", " 10", "315360000001", "99999999999999999999")
    return {value: publish(value) for value in values}


@scenario
def order_of_refusals(session):
    """A missing exchange, an invalid expiration and a wrong user id in one message."""
    properties = pika.BasicProperties(expiration="x", user_id="nobody", headers={"CC": 5})
    internal = session.exchange(session.channel(), "direct", "internal", internal=True)
    return [
        session.attempt(lambda channel: channel.basic_publish(session.name("missing"), "key", b"", properties)),
        session.attempt(lambda channel: channel.basic_publish(internal, "key", b"", properties)),
        session.attempt(lambda channel: channel.basic_publish("", "key", b"", properties)),
    ]


@scenario
def what_follows_a_refusal_is_dropped(session):
    """After channel.close nothing of that channel counts, before it everything does."""
    queue = session.queue(session.channel())

    def publish(channel):
        channel.basic_publish("", queue, b"before")
        channel.basic_publish(session.name("missing"), queue, b"refused")
        channel._impl._send_method(
            spec.Basic.Publish(exchange="", routing_key=queue), (pika.BasicProperties(), b"after")
        )

    refused = session.attempt(publish)
    return [refused, session.take(session.channel(), queue)]


@scenario
def channel_can_be_opened_again_after_a_refusal(session):
    connection = session.connection
    channel = connection.channel(7)
    refused = session.attempt(lambda _: channel.queue_declare(session.name("missing"), passive=True), channel=channel)
    again = connection.channel(7)
    return [refused, session.attempt(lambda _: session.queue(again), channel=again)]


@scenario
def no_route_does_not_stop_the_channel(session):
    channel = session.channel()
    queue = session.queue(channel)
    answers = [session.publish(channel, "", key, mandatory=True) for key in (session.name("missing"), queue)]
    return [answers, session.count(channel, queue)]


@scenario
def fanout_to_many_queues(session):
    channel = session.channel()
    exchange = session.exchange(channel, "fanout")
    queues = [session.queue(channel, f"queue-{number}") for number in range(20)]
    for queue in queues:
        channel.queue_bind(queue, exchange)
    session.publish_each(channel, "", ["1", "2"], exchange)
    return sorted({",".join(body.decode() for body in session.take(channel, queue)) for queue in queues})
