"""basic.get, queue.purge, queue.delete: answers, counts and refusals."""

from scenario import scenario


def filled(session, count=3):
    channel = session.channel()
    queue = session.queue(channel)
    session.publish_each(channel, queue, [str(number) for number in range(count)])
    return channel, queue


@scenario
def get_from_empty(session):
    channel, queue = filled(session, 0)
    return session.get(channel, queue)


@scenario
def get_counts_down(session):
    channel, queue = filled(session)
    return [session.get(channel, queue) for _ in range(4)]


@scenario
def get_from_missing(session):
    return session.attempt(lambda channel: channel.basic_get(session.name("missing")))


@scenario
def get_beside_a_consumer(session):
    channel, queue = filled(session, 1)
    consumer = session.consume(channel, queue)
    session.delivered(consumer, 1)
    return session.get(channel, queue)


@scenario
def purge_counts_ready_messages(session):
    channel, queue = filled(session)
    session.fetch(channel, queue)
    answers = [session.attempt(lambda _: channel.queue_purge(queue), channel=channel) for _ in range(2)]
    channel.basic_nack(0, multiple=True)
    return [answers, session.take(channel, queue)]


@scenario
def purge_of_missing(session):
    return session.attempt(lambda channel: channel.queue_purge(session.name("missing")))


@scenario
def delete_counts_ready_messages(session):
    channel, queue = filled(session)
    session.fetch(channel, queue)
    return session.attempt(lambda _: channel.queue_delete(queue), channel=channel)


@scenario
def delete_of_missing(session):
    return session.attempt(lambda channel: channel.queue_delete(session.name("missing")))


@scenario
def delete_if_empty(session):
    channel, queue = filled(session)
    refused = session.attempt(lambda channel: channel.queue_delete(queue, if_empty=True))
    channel.queue_purge(queue)
    return [refused, session.attempt(lambda channel: channel.queue_delete(queue, if_empty=True))]


@scenario
def delete_if_empty_with_unacked(session):
    channel, queue = filled(session, 1)
    session.fetch(channel, queue)
    return session.attempt(lambda other: other.queue_delete(queue, if_empty=True))


@scenario
def delete_if_unused(session):
    channel, queue = filled(session)
    consumer = session.consume(channel, queue)
    refused = session.attempt(lambda other: other.queue_delete(queue, if_unused=True))
    channel.basic_cancel(consumer.tag)
    return [refused, session.attempt(lambda other: other.queue_delete(queue, if_unused=True))["ok"]["method"]]


@scenario
def delete_both_conditions(session):
    channel, queue = filled(session)
    session.consume(channel, queue)
    return session.attempt(lambda other: other.queue_delete(queue, if_unused=True, if_empty=True))


@scenario
def ack_after_the_queue_is_gone(session):
    channel, queue = filled(session)
    tag = session.fetch(channel, queue)
    channel.queue_delete(queue)
    return session.attempt(lambda _: channel.basic_ack(tag), channel=channel)


@scenario
def publish_after_the_queue_is_gone(session):
    channel, queue = filled(session)
    channel.queue_delete(queue)
    return session.publish(channel, "", queue, mandatory=True)


@scenario
def same_name_again_is_empty(session):
    channel, queue = filled(session)
    channel.queue_delete(queue)
    session.queue(channel)
    return session.count(channel, queue)


@scenario
def auto_delete_goes_with_its_last_consumer(session):
    channel = session.channel()
    queue = session.queue(channel, exclusive=False, auto_delete=True)
    first, second = session.consume(channel, queue, "first"), session.consume(channel, queue, "second")
    answers = []
    for consumer in (first, second):
        channel.basic_cancel(consumer.tag)
        answers.append(session.attempt(lambda other: other.queue_declare(queue, passive=True)))
    return answers


@scenario
def auto_delete_without_consumers_stays(session):
    channel = session.channel()
    queue = session.queue(channel, exclusive=False, auto_delete=True)
    session.get(channel, queue)
    return session.attempt(lambda other: other.queue_declare(queue, passive=True))


@scenario
def auto_delete_goes_with_its_channel(session):
    channel = session.channel()
    queue = session.queue(channel, exclusive=False, auto_delete=True)
    consuming = session.channel()
    session.consume(consuming, queue)
    consuming.close()
    return session.attempt(lambda other: other.queue_declare(queue, passive=True))
