"""basic.ack, nack, reject, recover: delivery tags, what goes back and where."""

from pika import spec

from scenario import scenario


def filled(session, bodies=("1", "2", "3", "4"), **options):
    channel = session.channel()
    queue = session.queue(channel, **options)
    session.publish_each(channel, queue, bodies)
    return channel, queue


def fetch_all(session, channel, queue, count):
    return [session.fetch(channel, queue) for _ in range(count)]


def rest(session, channel, queue):
    """What is in the queue after the channel has gone."""
    channel.close()
    return session.take(session.channel(), queue)


@scenario
def tags_count_from_one(session):
    channel, queue = filled(session)
    return fetch_all(session, channel, queue, 4)


@scenario
def tags_are_of_their_channel(session):
    channel, queue = filled(session)
    other = session.channel()
    return [session.fetch(channel, queue), session.fetch(other, queue), session.fetch(channel, queue)]


@scenario
def tags_go_on_over_auto_acks(session):
    channel, queue = filled(session)
    method, _, _ = channel.basic_get(queue, auto_ack=True)
    return [method.delivery_tag, session.fetch(channel, queue)]


@scenario
def ack_one(session):
    channel, queue = filled(session)
    tags = fetch_all(session, channel, queue, 4)
    channel.basic_ack(tags[1])
    return rest(session, channel, queue)


@scenario
def ack_multiple(session):
    channel, queue = filled(session)
    tags = fetch_all(session, channel, queue, 4)
    channel.basic_ack(tags[2], multiple=True)
    return rest(session, channel, queue)


@scenario
def ack_all(session):
    channel, queue = filled(session)
    fetch_all(session, channel, queue, 4)
    channel.basic_ack(0, multiple=True)
    return rest(session, channel, queue)


@scenario
def ack_all_of_nothing(session):
    return {
        "zero, multiple": session.attempt(lambda channel: channel.basic_ack(0, multiple=True)),
        "zero": session.attempt(lambda channel: channel.basic_ack(0)),
        "nack, zero, multiple": session.attempt(lambda channel: channel.basic_nack(0, multiple=True)),
    }


@scenario
def unknown_tag(session):
    return {
        "ack": session.attempt(lambda channel: channel.basic_ack(1)),
        "ack multiple": session.attempt(lambda channel: channel.basic_ack(82, multiple=True)),
        "nack": session.attempt(lambda channel: channel.basic_nack(2)),
        "reject": session.attempt(lambda channel: channel.basic_reject(3)),
        "large": session.attempt(lambda channel: channel.basic_ack(2**63)),
    }


@scenario
def acked_twice(session):
    channel, queue = filled(session)
    tag = session.fetch(channel, queue)
    channel.basic_ack(tag)
    return session.attempt(lambda _: channel.basic_ack(tag), channel=channel)


@scenario
def multiple_below_what_is_acked(session):
    channel, queue = filled(session)
    tags = fetch_all(session, channel, queue, 3)
    channel.basic_ack(tags[2], multiple=True)
    return session.attempt(lambda _: channel.basic_ack(tags[0], multiple=True), channel=channel)


@scenario
def tag_of_another_channel(session):
    channel, queue = filled(session)
    tag = session.fetch(channel, queue)
    return session.attempt(lambda other: other.basic_ack(tag))


@scenario
def auto_acked_cannot_be_acked(session):
    channel, queue = filled(session)
    method, _, _ = channel.basic_get(queue, auto_ack=True)
    return session.attempt(lambda _: channel.basic_ack(method.delivery_tag), channel=channel)


@scenario
def reject_with_requeue(session):
    channel, queue = filled(session)
    channel.basic_reject(session.fetch(channel, queue), requeue=True)
    return [session.get(channel, queue) for _ in range(4)]


@scenario
def reject_without_requeue(session):
    channel, queue = filled(session)
    channel.basic_reject(session.fetch(channel, queue), requeue=False)
    return session.take(channel, queue)


@scenario
def nack_multiple_with_requeue(session):
    channel, queue = filled(session)
    tags = fetch_all(session, channel, queue, 3)
    channel.basic_nack(tags[1], multiple=True, requeue=True)
    return [session.get(channel, queue) for _ in range(3)]


@scenario
def nack_all_without_requeue(session):
    channel, queue = filled(session)
    fetch_all(session, channel, queue, 3)
    channel.basic_nack(0, multiple=True, requeue=False)
    return session.take(channel, queue)


@scenario
def requeued_one_by_one_in_reverse(session):
    """Each goes back to its own place."""
    channel, queue = filled(session)
    for tag in reversed(fetch_all(session, channel, queue, 3)):
        channel.basic_reject(tag, requeue=True)
    return session.take(channel, queue)


@scenario
def requeued_from_the_middle(session):
    channel, queue = filled(session, ("1", "2", "3", "4", "5"))
    tags = fetch_all(session, channel, queue, 4)
    channel.basic_ack(tags[0])
    channel.basic_nack(tags[2], requeue=True)
    channel.basic_nack(tags[1], requeue=True)
    return session.take(channel, queue)


@scenario
def unacked_goes_back_with_its_channel(session):
    channel, queue = filled(session)
    fetch_all(session, channel, queue, 2)
    channel.close()
    other = session.channel()
    session.wait_count(other, queue, 4)
    return [session.get(other, queue) for _ in range(4)]


@scenario
def unacked_goes_back_with_its_connection(session):
    channel = session.channel()
    queue = session.durable_queue(channel)
    session.publish_each(channel, queue, ["1", "2", "3"])
    connection = session.connect()
    fetch_all(session, connection.channel(), queue, 2)
    connection.close()
    session.wait_count(channel, queue, 3)
    return [session.get(channel, queue) for _ in range(3)]


@scenario
def redelivered_stays(session):
    channel, queue = filled(session, ("1",))
    answers = []
    for _ in range(3):
        method, _, _ = channel.basic_get(queue)
        answers.append(method.redelivered)
        channel.basic_nack(method.delivery_tag, requeue=True)
    return answers


@scenario
def recover_with_requeue(session):
    channel, queue = filled(session)
    fetch_all(session, channel, queue, 2)
    answer = session.attempt(lambda _: channel.basic_recover(requeue=True), channel=channel)
    return [answer, [session.get(channel, queue) for _ in range(3)]]


@scenario
def recover_without_requeue(session):
    return session.attempt(lambda channel: channel.basic_recover(requeue=False))


@scenario
def recover_to_a_consumer(session):
    channel, queue = filled(session, ("1", "2"))
    consumer = session.consume(channel, queue)
    session.delivered(consumer, 2)
    channel.basic_recover(requeue=True)
    session.delivered(consumer, 4)
    return [consumer.redelivered, consumer.tags]


@scenario
def recover_async(session):
    channel, queue = filled(session, ("1", "2"))
    session.fetch(channel, queue)
    channel._impl._send_method(spec.Basic.RecoverAsync(requeue=True))
    session.settle(channel)
    return [session.get(channel, queue) for _ in range(2)]


@scenario
def recover_of_nothing(session):
    return session.attempt(lambda channel: channel.basic_recover(requeue=True))
