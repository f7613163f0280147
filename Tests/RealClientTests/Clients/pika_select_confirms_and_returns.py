"""pika SelectConnection: in confirm mode the basic.return of a mandatory message comes before its basic.ack."""

import pika

from common import Failure, expect_equal, run, unique_name
from common_pika import connection_parameters

UNROUTABLE_EVERY = 3
MESSAGE_COUNT = 9


class ConfirmingPublisher:
    """Publishes one message at a time and records what the broker answers, in order of arrival."""

    def __init__(self, arguments):
        self.events = []
        self.error = None
        self.published = 0
        self.missing_queue = unique_name("missing")
        self.connection = pika.SelectConnection(
            connection_parameters(arguments),
            on_open_callback=lambda connection: connection.channel(on_open_callback=self.on_channel_open),
            on_open_error_callback=self.on_closed,
            on_close_callback=self.on_closed,
        )

    def run(self):
        self.connection.ioloop.start()
        if self.error:
            raise self.error

    def on_closed(self, _connection, reason):
        if not isinstance(reason, pika.exceptions.ConnectionClosedByClient):
            self.error = Failure(f"the connection failed: {reason!r}")
        self.connection.ioloop.stop()

    def on_channel_open(self, channel):
        self.channel = channel
        channel.add_on_close_callback(self.on_channel_closed)
        channel.add_on_return_callback(self.on_return)
        channel.confirm_delivery(self.on_confirm, callback=lambda _: self.declare_queue())

    def on_channel_closed(self, _channel, reason):
        if not isinstance(reason, pika.exceptions.ChannelClosedByClient):
            self.error = Failure(f"the channel failed: {reason!r}")
            self.connection.close()

    def declare_queue(self):
        self.channel.queue_declare("", exclusive=True, callback=self.on_queue_declared)

    def on_queue_declared(self, frame):
        self.queue = frame.method.queue
        self.publish_next()

    def publish_next(self):
        self.published += 1
        unroutable = self.published % UNROUTABLE_EVERY == 0
        routing_key = self.missing_queue if unroutable else self.queue
        properties = pika.BasicProperties(message_id=f"id-{self.published}", headers={"number": self.published})
        self.channel.basic_publish("", routing_key, f"body {self.published}".encode(), properties, mandatory=True)

    def on_return(self, _channel, method, properties, body):
        self.events.append(
            ("return", method.reply_code, method.reply_text, method.exchange, method.routing_key)
            + (properties.message_id, properties.headers, body)
        )

    def on_confirm(self, frame):
        self.events.append((frame.method.NAME, frame.method.delivery_tag))
        if self.published < MESSAGE_COUNT:
            self.publish_next()
        else:
            self.connection.close()


def test(arguments):
    publisher = ConfirmingPublisher(arguments)
    publisher.run()
    expected = []
    for number in range(1, MESSAGE_COUNT + 1):
        if number % UNROUTABLE_EVERY == 0:
            properties_and_body = (f"id-{number}", {"number": number}, f"body {number}".encode())
            expected.append(("return", 312, "NO_ROUTE", "", publisher.missing_queue) + properties_and_body)
        expected.append(("Basic.Ack", number))
    expect_equal(publisher.events, expected, "returns and confirms in order of arrival")
    return f"{MESSAGE_COUNT} mandatory messages confirmed, the unroutable ones returned before their ack"


if __name__ == "__main__":
    run(test)
