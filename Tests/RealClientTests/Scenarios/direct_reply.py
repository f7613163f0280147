"""Direct reply-to: amq.rabbitmq.reply-to instead of a reply queue."""

import pika

from scenario import scenario

PSEUDO_QUEUE = "amq.rabbitmq.reply-to"


class Call:
    """A client that waits for replies, and a server's queue with one request in it."""

    def __init__(self, session, connection=None, **publish):
        self.session = session
        self.server = session.channel()
        self.requests = session.queue(self.server, "requests")
        self.client = (connection or session.connection).channel()
        self.replies = session.consume(self.client, PSEUDO_QUEUE, "replies", auto_ack=True)
        session.publish(self.client, "", self.requests, "question", reply_to=PSEUDO_QUEUE, **publish)
        session.wait_count(self.server, self.requests, 1)
        _, properties, _ = self.server.basic_get(self.requests, auto_ack=True)
        self.address = properties.reply_to


@scenario
def question_and_reply(session):
    call = Call(session, correlation_id="1")
    session.publish(call.server, "", call.address, "reply", correlation_id="1", headers={"a": 1})
    session.delivered(call.replies, 1)
    method, properties, body = call.replies.deliveries[0]
    return [call.address, method.delivery_tag, session.message(method, properties, body)]


@scenario
def several_replies(session):
    call = Call(session)
    session.publish_each(call.server, call.address, ["1", "2", "3"])
    session.delivered(call.replies, 3)
    return [call.replies.bodies, call.replies.tags]


@scenario
def from_another_connection(session):
    call = Call(session, session.connect())
    answer = session.publish(call.server, "", call.address, "reply", mandatory=True)
    return [answer, session.delivered(call.replies, 1)]


@scenario
def with_acks(session):
    return session.attempt(lambda channel: channel.basic_consume(PSEUDO_QUEUE, print, consumer_tag="t"))


@scenario
def second_consumer(session):
    def consume(channel):
        for tag in ("one", "two"):
            channel.basic_consume(PSEUDO_QUEUE, print, auto_ack=True, consumer_tag=tag)

    return session.attempt(consume)


@scenario
def consumer_after_a_cancelled_one(session):
    def consume(channel):
        for tag in ("one", "two"):
            channel.basic_consume(PSEUDO_QUEUE, print, auto_ack=True, consumer_tag=tag)
            channel.basic_cancel(tag)

    return session.attempt(consume)


@scenario
def without_a_consumer(session):
    properties = pika.BasicProperties(reply_to=PSEUDO_QUEUE)
    return session.attempt(lambda channel: channel.basic_publish("", "key", b"", properties))


@scenario
def reply_to_a_gone_client(session):
    call = Call(session)
    call.client.close()
    return [session.publish(call.server, "", call.address, "late", mandatory=mandatory) for mandatory in (True, False)]


@scenario
def reply_to_an_unknown_address(session):
    def publish(key):
        def action(channel):
            channel.confirm_delivery()
            return session.publish(channel, "", key, mandatory=True)

        return session.attempt(action)

    address = PSEUDO_QUEUE + ".g2dkABByZXBseUA5MTcyMTMxNQAAAAAAAAAAAAAAAA==.xyz"
    return [publish(key) for key in (address, PSEUDO_QUEUE, PSEUDO_QUEUE + ".")]


@scenario
def declared_as_a_check(session):
    """The address is a queue with one consumer while the client is there."""
    call = Call(session)
    before = session.attempt(lambda channel: channel.queue_declare(call.address, passive=True))
    call.client.close()
    return [before, session.attempt(lambda channel: channel.queue_declare(call.address, passive=True))]


@scenario
def declared_by_its_plain_name(session):
    return [
        session.attempt(lambda channel: channel.queue_declare(PSEUDO_QUEUE, passive=True)),
        session.attempt(lambda channel: channel.queue_declare(PSEUDO_QUEUE)),
    ]


@scenario
def deleted_by_its_plain_name(session):
    return session.attempt(lambda channel: channel.queue_delete(PSEUDO_QUEUE))


@scenario
def other_reply_addresses_are_left_alone(session):
    channel = session.channel()
    queue = session.queue(channel)
    session.publish(channel, "", queue, reply_to="my.own.queue")
    return session.get(channel, queue)


@scenario
def reply_with_carbon_copy(session):
    """CC of an address reaches the client too."""
    call = Call(session)
    queue = session.queue(call.server, "also")
    session.publish(call.server, "", queue, "copied", headers={"CC": [call.address]})
    return [session.delivered(call.replies, 1), session.take(call.server, queue)]


@scenario
def reply_through_another_exchange(session):
    call = Call(session)
    exchange = session.exchange(call.server, "direct")
    return session.publish(call.server, exchange, call.address, mandatory=True)


@scenario
def reply_in_a_transaction(session):
    call = Call(session)
    channel = session.connection.channel()
    channel.tx_select()
    session.publish(channel, "", call.address, "reply")
    channel.tx_commit()
    return session.delivered(call.replies, 1)


@scenario
def bound(session):
    return session.attempt(lambda channel: channel.queue_bind(PSEUDO_QUEUE, "amq.direct", "key"))


@scenario
def got(session):
    return session.attempt(lambda channel: channel.basic_get(PSEUDO_QUEUE))
