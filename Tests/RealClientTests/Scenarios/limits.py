"""x-max-length, x-max-length-bytes, x-overflow: what is dropped, what is refused."""

from scenario import scenario


def limited(session, **arguments):
    channel = session.channel()
    table = {"x-" + name.replace("_", "-"): value for name, value in arguments.items()}
    return channel, session.queue(channel, arguments=table)


@scenario
def drops_from_the_head(session):
    channel, queue = limited(session, max_length=3)
    answers = session.publish_each(channel, queue, ["1", "2", "3", "4", "5"])
    return [answers, session.take(channel, queue)]


@scenario
def zero_keeps_nothing(session):
    channel, queue = limited(session, max_length=0)
    return [session.publish(channel, "", queue), session.count(channel, queue)]


@scenario
def zero_delivers_to_who_waits(session):
    channel, queue = limited(session, max_length=0)
    consumer = session.consume(channel, queue, auto_ack=True)
    session.publish(channel, "", queue, "straight through")
    return session.delivered(consumer, 1)


@scenario
def zero_refuses_everything(session):
    channel, queue = limited(session, max_length=0, overflow="reject-publish")
    return [session.publish(channel, "", queue), session.count(channel, queue)]


@scenario
def bytes_of_bodies(session):
    channel, queue = limited(session, max_length_bytes=10)
    session.publish_each(channel, queue, ["aaaa", "bbbb", "cc", "dddd"], headers={"large": "x" * 100})
    return session.take(channel, queue)


@scenario
def body_larger_than_the_limit(session):
    channel, queue = limited(session, max_length_bytes=10)
    answers = [session.publish(channel, "", queue, "small"), session.publish(channel, "", queue, "x" * 11)]
    return [answers, session.take(channel, queue)]


@scenario
def both_limits(session):
    channel, queue = limited(session, max_length=3, max_length_bytes=10)
    session.publish_each(channel, queue, ["1", "2", "3", "4"])
    first = session.take(channel, queue)
    session.publish_each(channel, queue, ["aaaaa", "bbbbb", "c"])
    return [first, session.take(channel, queue)]


@scenario
def unacked_does_not_count(session):
    channel, queue = limited(session, max_length=2)
    session.publish_each(channel, queue, ["1", "2"])
    tags = [session.fetch(channel, queue) for _ in range(2)]
    session.publish_each(channel, queue, ["3", "4"])
    before = session.count(channel, queue)
    channel.basic_nack(tags[1], multiple=True, requeue=True)
    session.settle(channel)
    return [before, session.take(channel, queue)]


@scenario
def reject_publish(session):
    channel, queue = limited(session, max_length=2, overflow="reject-publish")
    answers = session.publish_each(channel, queue, ["1", "2", "3", "4"])
    first = session.get(channel, queue)["body"]
    return [answers, first, session.publish(channel, "", queue, "5"), session.take(channel, queue)]


@scenario
def reject_publish_by_bytes(session):
    """Refused while the limit is reached; the message that reaches it is still taken."""
    channel, queue = limited(session, max_length_bytes=10, overflow="reject-publish")
    answers = session.publish_each(channel, queue, ["aaaa", "bbbb", "cccc", "dddd"])
    return [answers, session.take(channel, queue)]


@scenario
def reject_publish_without_confirms(session):
    channel, queue = limited(session, max_length=1, overflow="reject-publish")
    silent = session.connection.channel()
    session.publish_each(silent, queue, ["1", "2", "3"])
    session.settle(silent)
    return session.take(channel, queue)


@scenario
def one_of_several_refuses(session):
    """One nack though others took it."""
    channel, full = limited(session, max_length=1, overflow="reject-publish")
    exchange, roomy = session.exchange(channel, "fanout"), session.queue(channel, "roomy")
    for queue in (full, roomy):
        channel.queue_bind(queue, exchange)
    answers = session.publish_each(channel, "", ["1", "2"], exchange)
    return [answers, session.take(channel, full), session.take(channel, roomy)]


@scenario
def reject_publish_of_a_mandatory_message(session):
    channel, queue = limited(session, max_length=1, overflow="reject-publish")
    return [session.publish(channel, "", queue, mandatory=True) for _ in range(2)]


@scenario
def requeued_over_the_limit_with_reject_publish(session):
    channel, queue = limited(session, max_length=1, overflow="reject-publish")
    session.publish(channel, "", queue, "1")
    tag = session.fetch(channel, queue)
    answers = [session.publish(channel, "", queue, "2")]
    channel.basic_nack(tag, requeue=True)
    session.settle(channel)
    return [
        answers,
        session.count(channel, queue),
        session.publish(channel, "", queue, "3"),
        session.take(channel, queue),
    ]


@scenario
def consumer_makes_room(session):
    channel, queue = limited(session, max_length=1, overflow="reject-publish")
    consumer = session.consume(channel, queue, auto_ack=True)
    answers = session.publish_each(channel, queue, [str(number) for number in range(5)])
    return [answers, session.delivered(consumer, 5)]


@scenario
def drop_head_with_a_consumer(session):
    channel, queue = limited(session, max_length=2)
    channel.basic_qos(prefetch_count=1)
    consumer = session.consume(channel, queue)
    session.publish_each(channel, queue, ["1", "2", "3", "4"])
    session.delivered(consumer, 1)
    for _ in range(2):
        channel.basic_ack(consumer.tags[-1])
        session.delivered(consumer, len(consumer.deliveries) + 1)
    return consumer.bodies


@scenario
def persistent_messages(session):
    channel = session.channel()
    queue = session.durable_queue(channel, arguments={"x-max-length": 2})
    session.publish_each(channel, queue, ["1", "2", "3"], delivery_mode=2)
    return session.take(channel, queue)
