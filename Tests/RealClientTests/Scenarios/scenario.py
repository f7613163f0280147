"""What every scenario is given: connections, names, and answers as JSON without what differs by nature."""

import re
import time
import uuid
from contextlib import suppress
from datetime import datetime
from decimal import Decimal

import pika
from pika.compat import long
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker, ConnectionClosedByBroker
from pika.exceptions import AMQPError, NackError, UnroutableError

WAIT_SECONDS = 5

# Every scenario, as "module.function".
SCENARIOS = {}


def scenario(function):
    """Registers `function(session)`, which returns what the broker answered."""
    name = f"{function.__module__}.{function.__name__}"
    assert name not in SCENARIOS, name
    SCENARIOS[name] = function
    return function


def remember_closes():
    """pika forgets which method a close blames, and clients (Spring) look at it."""
    channel_closed = pika.channel.Channel._on_close_from_broker
    connection_closed = pika.connection.Connection._on_connection_close_from_broker

    def on_channel_closed(channel, frame):
        channel.blamed = (frame.method.class_id, frame.method.method_id)
        channel_closed(channel, frame)

    def on_connection_closed(connection, frame):
        connection.blamed = (frame.method.class_id, frame.method.method_id)
        connection_closed(connection, frame)

    pika.channel.Channel._on_close_from_broker = on_channel_closed
    pika.connection.Connection._on_connection_close_from_broker = on_connection_closed


remember_closes()

OWN_NAME = re.compile(r"s-[0-9a-f]{8}-")
GENERATED_NAME = re.compile(r"amq\.(gen|ctag)-[A-Za-z0-9_-]{22}")
REPLY_ADDRESS = re.compile(r"(amq\.rabbitmq\.reply-to)\.[^ ']+")


def plain(value, key=None):
    """`value` as JSON: names as the scenario called them, moments hidden, field types visible where JSON has none."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        value = OWN_NAME.sub("", value)
        value = GENERATED_NAME.sub(r"amq.\1-GENERATED", value)
        return REPLY_ADDRESS.sub(r"\1.ADDRESS", value)
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return value
    if isinstance(value, long):
        return f"{int(value)} (64 bits)"
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        return f"{value} (decimal)"
    if isinstance(value, datetime):
        return "TIME" if key == "time" else f"{value:%Y-%m-%d %H:%M:%S} (timestamp)"
    if isinstance(value, dict):
        return {plain(name): plain(item, name) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise TypeError(f"no JSON for {value!r}")


PROPERTIES = (
    "content_type content_encoding headers delivery_mode priority correlation_id reply_to expiration message_id"
    " timestamp type user_id app_id cluster_id"
).split()


def shown(properties, last_death=False):
    """The properties that are set. RabbitMQ 3.10 has no x-last-death-* headers: they are kept where they are tested."""
    present = {name: getattr(properties, name) for name in PROPERTIES if getattr(properties, name) is not None}
    if "headers" in present and not last_death:
        present["headers"] = {
            name: value for name, value in present["headers"].items() if not name.startswith("x-last-death-")
        }
    return present


class Consumer:
    """What one consumer got, in order; with the broker's cancel if it came."""

    def __init__(self, channel, queue, tag, auto_ack=False, **options):
        self.channel = channel
        self.tag = tag
        self.deliveries = []
        self.cancelled = False
        channel.basic_consume(queue, self.on_delivery, auto_ack=auto_ack, consumer_tag=tag, **options)

    def on_delivery(self, _channel, method, properties, body):
        self.deliveries.append((method, properties, body))

    def on_cancel(self, frame):
        if frame.method.consumer_tag == self.tag:
            self.cancelled = True

    @property
    def bodies(self):
        return [body for _, _, body in self.deliveries]

    @property
    def tags(self):
        return [method.delivery_tag for method, _, _ in self.deliveries]

    @property
    def redelivered(self):
        return [[body, method.redelivered] for method, _, body in self.deliveries]


class Session:
    """One scenario's connections and names; all of it is gone when the scenario ends."""

    def __init__(self, port):
        self.port = port
        self.prefix = f"s-{uuid.uuid4().hex[:8]}-"
        self.connections = []
        self.queues = []
        self.exchanges = []
        self.first = None

    # Connections and channels

    def connect(self, **overrides):
        settings = {
            "host": "127.0.0.1",
            "port": self.port,
            "credentials": pika.PlainCredentials("guest", "guest"),
            "socket_timeout": WAIT_SECONDS,
            "heartbeat": 0,
        }
        settings.update(overrides)
        connection = pika.BlockingConnection(pika.ConnectionParameters(**settings))
        self.connections.append(connection)
        return connection

    @property
    def connection(self):
        if self.first is None or not self.first.is_open:
            self.first = self.connect()
        return self.first

    def channel(self, confirming=True):
        channel = self.connection.channel()
        if confirming:
            channel.confirm_delivery()
        return channel

    # Names and topology

    def name(self, label):
        return self.prefix + label

    def queue(self, channel, label="queue", exclusive=True, **options):
        name = self.name(label)
        if not exclusive:
            self.queues.append(name)
        arguments = options.pop("arguments", None)
        channel.queue_declare(name, exclusive=exclusive, arguments=arguments, **options)
        return name

    def durable_queue(self, channel, label="queue", **options):
        return self.queue(channel, label, exclusive=False, durable=True, **options)

    def exchange(self, channel, kind, label=None, **options):
        name = self.name(label or kind)
        self.exchanges.append(name)
        channel.exchange_declare(name, kind, **options)
        return name

    def end(self):
        with suppress(AMQPError):
            if self.queues or self.exchanges:
                channel = self.connect().channel()
                for name in self.queues:
                    channel.queue_delete(name)
                for name in self.exchanges:
                    channel.exchange_delete(name)
        for connection in self.connections:
            if connection.is_open:
                with suppress(AMQPError):
                    connection.close()

    # Answers

    def attempt(self, action, connection=None, channel=None):
        """What `action(channel)` returns, or how the broker closed the channel or the connection."""
        connection = connection or (channel.connection if channel else self.connection)
        try:
            channel = channel or connection.channel()
            result = action(channel)
            if channel.is_open:
                # What has no answer of its own has been refused by now.
                self.settle(channel)
            return {"ok": self.answer(result)}
        except ChannelClosedByBroker as closed:
            return self.closed("channel", closed, channel._impl)
        except ConnectionClosedByBroker as closed:
            return self.closed("connection", closed, connection._impl)
        except AMQPConnectionError as error:
            return {"connection": type(error).__name__}

    @staticmethod
    def closed(what, error, implementation):
        blamed = ".".join(str(number) for number in implementation.blamed)
        return {f"{what}.close": [error.reply_code, error.reply_text], "method": blamed}

    @staticmethod
    def answer(result):
        method = getattr(result, "method", None)
        if method is None:
            return result if isinstance(result, (str, bytes, int, list, dict, tuple)) else None
        fields = {name: value for name, value in vars(method).items() if not name.startswith("_")}
        return {"method": method.NAME, **fields} if fields else method.NAME

    def settle(self, channel):
        """Returns when the broker has read what this channel sent before."""
        channel.exchange_declare("amq.direct", passive=True)

    # Messages

    @staticmethod
    def publish(channel, exchange, key, body="message", mandatory=False, **properties):
        """`ack`, `nack` or `returned` on a confirming channel; nothing on another."""
        body = body.encode() if isinstance(body, str) else body
        try:
            channel.basic_publish(exchange, key, body, pika.BasicProperties(**properties), mandatory)
        except UnroutableError as error:
            returned = error.messages[0]
            method = returned.method
            return ["returned", method.reply_code, method.reply_text, method.exchange, method.routing_key]
        except NackError:
            return "nack"
        return "ack"

    def publish_each(self, channel, key, bodies, exchange="", **properties):
        return [self.publish(channel, exchange, key, body, **properties) for body in bodies]

    @staticmethod
    def get(channel, queue, auto_ack=True, last_death=False):
        method, properties, body = channel.basic_get(queue, auto_ack=auto_ack)
        return method and Session.message(method, properties, body, last_death)

    @staticmethod
    def message(method, properties, body, last_death=False):
        answer = {
            "body": body,
            "exchange": method.exchange,
            "routing_key": method.routing_key,
            "redelivered": method.redelivered,
        }
        if hasattr(method, "message_count"):
            answer["left"] = method.message_count
        present = shown(properties, last_death)
        return {**answer, "properties": present} if present else answer

    def take(self, channel, queue, count=None):
        """The bodies of all messages; waits for `count` of them."""
        bodies = []

        def step():
            method, _, body = channel.basic_get(queue, auto_ack=True)
            if method:
                bodies.append(body)
            return method is None

        if count is not None:
            self.wait(channel, lambda: step() and len(bodies) >= count)
        while not step():
            pass
        return bodies

    def arrived(self, channel, queue, auto_ack=True, last_death=False):
        """The next message, waited for: dead-lettering, expiry and requeueing take a moment."""
        found = []

        def poll():
            message = self.get(channel, queue, auto_ack, last_death)
            if message:
                found.append(message)
            return found

        self.wait(channel, poll)
        return found[0]

    @staticmethod
    def fetch(channel, queue):
        """The delivery tag of the next message, not acked."""
        method, _, _ = channel.basic_get(queue)
        return method.delivery_tag

    @staticmethod
    def count(channel, queue):
        return channel.queue_declare(queue, passive=True).method.message_count

    def wait_count(self, channel, queue, count):
        self.wait(channel, lambda: self.count(channel, queue) == count)
        return count

    def wait(self, channel, condition, seconds=WAIT_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("what was waited for did not come")
            channel.connection.process_data_events(0.01)

    def pause(self, channel, seconds=0.05):
        """For what must not come."""
        channel.connection.sleep(seconds)

    # Consumers

    def consume(self, channel, queue, tag="tag", auto_ack=False, **options):
        consumer = Consumer(channel, queue, tag, auto_ack, **options)
        channel.add_on_cancel_callback(consumer.on_cancel)
        return consumer

    def delivered(self, consumer, count):
        """Waits for `count` deliveries and a moment more, in which no other may come."""
        self.wait(consumer.channel, lambda: len(consumer.deliveries) >= count)
        self.pause(consumer.channel, 0.02)
        return consumer.bodies


def dead_letters(**arguments):
    """Queue arguments: dead-letter through the default exchange unless told."""
    names = {"exchange": "x-dead-letter-exchange", "key": "x-dead-letter-routing-key"}
    table = {"x-dead-letter-exchange": ""}
    for name, value in arguments.items():
        table[names.get(name) or "x-" + name.replace("_", "-")] = value
    return table
