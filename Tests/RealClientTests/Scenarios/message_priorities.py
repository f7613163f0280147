"""x-max-priority: the order of messages, and what happens to it."""

from scenario import dead_letters, scenario


def prioritized(session, highest=10, **arguments):
    channel = session.channel()
    table = {"x-" + name.replace("_", "-"): value for name, value in arguments.items()}
    return channel, session.queue(channel, arguments={"x-max-priority": highest, **table})


def publish(session, channel, queue, priorities):
    """The body tells the priority and the order within it."""
    for number, priority in enumerate(priorities):
        session.publish(channel, "", queue, f"{priority}/{number}", priority=priority)


@scenario
def highest_first(session):
    channel, queue = prioritized(session)
    publish(session, channel, queue, [1, 5, 3, 10, 0, 7])
    return session.take(channel, queue)


@scenario
def order_within_a_priority(session):
    channel, queue = prioritized(session)
    publish(session, channel, queue, [2, 1, 2, 1, 2, 1])
    return session.take(channel, queue)


@scenario
def none_is_zero(session):
    channel, queue = prioritized(session)
    publish(session, channel, queue, [None, 0, 1, None])
    return session.take(channel, queue)


@scenario
def above_the_highest(session):
    """Capped, not refused; the property stays as it was."""
    channel, queue = prioritized(session, 3)
    publish(session, channel, queue, [3, 9, 2, 255])
    return [session.get(channel, queue) for _ in range(4)]


@scenario
def without_the_argument(session):
    channel = session.channel()
    queue = session.queue(channel)
    publish(session, channel, queue, [1, 9, 5])
    return session.take(channel, queue)


@scenario
def zero_levels(session):
    channel, queue = prioritized(session, 0)
    publish(session, channel, queue, [1, 9, 5])
    return session.take(channel, queue)


@scenario
def to_a_consumer(session):
    channel, queue = prioritized(session)
    publish(session, channel, queue, [1, 5, 3])
    consumer = session.consume(channel, queue, auto_ack=True)
    return session.delivered(consumer, 3)


@scenario
def prefetch_limits_what_waits(session):
    channel, queue = prioritized(session)
    channel.basic_qos(prefetch_count=1)
    consumer = session.consume(channel, queue)
    publish(session, channel, queue, [1, 2, 9])
    for count in (1, 2, 3):
        session.delivered(consumer, count)
        channel.basic_ack(consumer.tags[-1])
    return consumer.bodies


@scenario
def requeued_to_its_priority(session):
    channel, queue = prioritized(session)
    publish(session, channel, queue, [5, 5, 1])
    channel.basic_nack(session.fetch(channel, queue), requeue=True)
    session.publish(channel, "", queue, "9/new", priority=9)
    return session.take(channel, queue)


@scenario
def max_length_drops_the_lowest(session):
    channel, queue = prioritized(session, max_length=2)
    publish(session, channel, queue, [9, 1, 5])
    return session.take(channel, queue)


@scenario
def max_length_refuses_by_count(session):
    channel, queue = prioritized(session, max_length=2, overflow="reject-publish")
    answers = [session.publish(channel, "", queue, str(priority), priority=priority) for priority in (1, 2, 9)]
    return [answers, session.take(channel, queue)]


@scenario
def counts(session):
    channel, queue = prioritized(session)
    publish(session, channel, queue, [1, 5, 3])
    return [session.count(channel, queue), session.get(channel, queue), channel.queue_purge(queue).method.message_count]


@scenario
def expiry_at_each_priority(session):
    channel, queue = prioritized(session)
    for priority, expiration in ((1, "20"), (5, None), (9, "20"), (1, None)):
        session.publish(channel, "", queue, f"{priority} {expiration}", priority=priority, expiration=expiration)
    session.pause(channel, 0.2)
    return session.take(channel, queue)


@scenario
def dead_letters_keep_their_priority(session):
    channel, target = prioritized(session)
    source = session.queue(channel, "source", arguments=dead_letters(key=target))
    publish(session, channel, source, [1, 9, 5])
    for _ in range(3):
        channel.basic_reject(session.fetch(channel, source), requeue=False)
    session.wait_count(channel, target, 3)
    return session.take(channel, target)


@scenario
def persistent_messages(session):
    channel = session.channel()
    queue = session.durable_queue(channel, arguments={"x-max-priority": 5})
    for priority in (1, 5, 3):
        session.publish(channel, "", queue, str(priority), priority=priority, delivery_mode=2)
    return session.take(channel, queue)
