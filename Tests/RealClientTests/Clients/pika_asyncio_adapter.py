"""pika AsyncioConnection: 2000 messages published with confirms and consumed with manual acks, all counted."""

import asyncio

from pika.adapters.asyncio_connection import AsyncioConnection
from pika.exceptions import ChannelClosedByClient, ConnectionClosedByClient

from common import Failure, expect_equal, run
from common_pika import connection_parameters

MESSAGE_COUNT = 2000
PREFETCH = 100
# Every second block of deliveries is acknowledged one by one, the others at once.
BLOCK = 50


class Client:
    def __init__(self, arguments):
        self.finished = asyncio.get_running_loop().create_future()
        self.confirmed = []
        self.outstanding = set(range(1, MESSAGE_COUNT + 1))
        self.received = []
        self.messages_left = None
        self.connection = AsyncioConnection(
            connection_parameters(arguments),
            on_open_callback=lambda connection: connection.channel(on_open_callback=self.on_channel_open),
            on_open_error_callback=self.on_closed,
            on_close_callback=self.on_closed,
        )

    def on_closed(self, _closed, reason):
        if self.finished.done():
            return
        if isinstance(reason, (ConnectionClosedByClient, ChannelClosedByClient)):
            self.finished.set_result(None)
        else:
            self.fail(f"closed by the broker: {reason!r}")

    def fail(self, what):
        # An exception raised in a callback would only reach the event loop's log.
        if not self.finished.done():
            self.finished.set_exception(Failure(what))

    def on_channel_open(self, channel):
        self.channel = channel
        channel.add_on_close_callback(self.on_closed)
        channel.confirm_delivery(self.on_confirm)
        channel.queue_declare("", exclusive=True, callback=self.on_queue_declared)

    def on_queue_declared(self, frame):
        self.queue = frame.method.queue
        self.channel.basic_qos(prefetch_count=PREFETCH)
        self.channel.basic_consume(self.queue, self.on_message, callback=self.publish)

    def publish(self, _frame):
        for number in range(MESSAGE_COUNT):
            self.channel.basic_publish("", self.queue, str(number).encode(), mandatory=True)

    def on_confirm(self, frame):
        confirm = frame.method
        if confirm.NAME != "Basic.Ack":
            self.fail(f"the broker answered {confirm!r} to a publish")
            return
        tag = confirm.delivery_tag
        covered = {t for t in self.outstanding if t <= tag} if confirm.multiple else {tag} & self.outstanding
        if not covered:
            self.fail(f"publish {tag} was confirmed twice")
            return
        self.outstanding -= covered
        self.stop_when_complete()

    def on_message(self, channel, method, _properties, body):
        if method.delivery_tag != len(self.received) + 1 or method.redelivered:
            self.fail(f"delivery {len(self.received) + 1} was {method!r}")
        self.received.append(int(body))
        count = len(self.received)
        if (count - 1) // BLOCK % 2 == 0:
            channel.basic_ack(method.delivery_tag)
        elif count % BLOCK == 0:
            channel.basic_ack(method.delivery_tag, multiple=True)
        self.stop_when_complete()

    def stop_when_complete(self):
        if not self.outstanding and len(self.received) == MESSAGE_COUNT:
            # Everything is acknowledged: nothing may come back when the consumer goes.
            self.channel.basic_cancel(self.channel.consumer_tags[0], callback=self.recover)

    def recover(self, _frame):
        self.channel.basic_recover(requeue=True, callback=self.count_left)

    def count_left(self, _frame):
        self.channel.queue_declare(self.queue, passive=True, callback=self.on_counted)

    def on_counted(self, frame):
        self.messages_left = frame.method.message_count
        self.connection.close()


async def exchange_messages(arguments):
    client = Client(arguments)
    await client.finished
    return client


def test(arguments):
    client = asyncio.run(exchange_messages(arguments))
    expect_equal(client.received, list(range(MESSAGE_COUNT)), "messages in order")
    expect_equal(client.outstanding, set(), "publishes without a confirm")
    expect_equal(client.messages_left, 0, "messages left after all were acknowledged")
    return f"{MESSAGE_COUNT} messages confirmed, delivered in order and acknowledged"


if __name__ == "__main__":
    run(test)
