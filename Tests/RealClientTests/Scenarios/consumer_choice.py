"""Which consumer is served: x-priority, x-single-active-consumer."""

from scenario import scenario


def prioritized(session, channel, queue, tag, priority, **options):
    return session.consume(channel, queue, tag, arguments={"x-priority": priority}, **options)


def publish_and_wait(session, channel, queue, bodies, *consumers):
    before = sum(len(consumer.deliveries) for consumer in consumers)
    session.publish_each(channel, queue, bodies)
    session.wait(channel, lambda: sum(len(consumer.deliveries) for consumer in consumers) >= before + len(bodies))
    return {consumer.tag: list(consumer.bodies) for consumer in consumers}


@scenario
def highest_priority_first(session):
    channel = session.channel()
    queue = session.queue(channel)
    consumers = [prioritized(session, channel, queue, str(number), number, auto_ack=True) for number in (1, 9, 5)]
    return publish_and_wait(session, channel, queue, ["a", "b", "c"], *consumers)


@scenario
def lower_priority_when_the_higher_is_busy(session):
    channel = session.channel()
    queue = session.queue(channel)
    channel.basic_qos(prefetch_count=2)
    high, low = prioritized(session, channel, queue, "high", 5), prioritized(session, channel, queue, "low", 1)
    seen = [publish_and_wait(session, channel, queue, ["a", "b", "c"], high, low)]
    channel.basic_ack(high.tags[0])
    session.settle(channel)
    seen.append(publish_and_wait(session, channel, queue, ["d", "e"], high, low))
    return seen


@scenario
def no_priority_is_zero(session):
    channel = session.channel()
    queue = session.queue(channel)
    negative = prioritized(session, channel, queue, "negative", -5, auto_ack=True)
    plain = session.consume(channel, queue, "plain", auto_ack=True)
    return publish_and_wait(session, channel, queue, ["a", "b"], negative, plain)


@scenario
def equal_priorities_take_turns(session):
    channel = session.channel()
    queue = session.queue(channel)
    consumers = [prioritized(session, channel, queue, tag, 3, auto_ack=True) for tag in ("one", "two")]
    low = prioritized(session, channel, queue, "low", 1, auto_ack=True)
    return publish_and_wait(session, channel, queue, ["a", "b", "c", "d"], *consumers, low)


@scenario
def priority_of_wrong_type(session):
    queue = session.queue(session.channel())

    def consume(value):
        return session.attempt(
            lambda channel: channel.basic_consume(queue, print, consumer_tag="t", arguments={"x-priority": value})
        )

    return {repr(value): consume(value) for value in ("high", True, [1])}


@scenario
def single_active(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-single-active-consumer": True})
    consumers = [session.consume(channel, queue, tag, auto_ack=True) for tag in ("first", "second")]
    return publish_and_wait(session, channel, queue, ["a", "b", "c"], *consumers)


@scenario
def next_becomes_active(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-single-active-consumer": True})
    consumers = [session.consume(channel, queue, tag, auto_ack=True) for tag in ("first", "second", "third")]
    seen = [publish_and_wait(session, channel, queue, ["a"], *consumers)]
    channel.basic_cancel("first")
    seen.append(publish_and_wait(session, channel, queue, ["b"], *consumers))
    channel.basic_cancel("second")
    return seen + [publish_and_wait(session, channel, queue, ["c"], *consumers)]


@scenario
def active_is_followed_by_order_of_arrival(session):
    """Who subscribes again waits behind the others."""
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-single-active-consumer": True})
    first = session.consume(channel, queue, "first", auto_ack=True)
    second = session.consume(channel, queue, "second", auto_ack=True)
    channel.basic_cancel("first")
    again = session.consume(channel, queue, "again", auto_ack=True)
    return publish_and_wait(session, channel, queue, ["a", "b"], first, second, again)


@scenario
def single_active_with_prefetch(session):
    """What the active one may not have waits; nobody else gets it."""
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-single-active-consumer": True})
    channel.basic_qos(prefetch_count=1)
    first, second = session.consume(channel, queue, "first"), session.consume(channel, queue, "second")
    session.publish_each(channel, queue, ["a", "b"])
    session.delivered(first, 1)
    return [first.bodies, second.bodies, session.count(channel, queue)]


@scenario
def single_active_channel_closed(session):
    """Its unacked messages go to the next, in order."""
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-single-active-consumer": True})
    going = session.connection.channel()
    first = session.consume(going, queue, "first")
    second = session.consume(channel, queue, "second")
    session.publish_each(channel, queue, ["a", "b"])
    session.delivered(first, 2)
    going.close()
    session.delivered(second, 2)
    session.publish(channel, "", queue, "c")
    session.delivered(second, 3)
    return [first.redelivered, second.redelivered]


@scenario
def single_active_with_an_exclusive_consumer(session):
    queue = session.queue(session.channel(), arguments={"x-single-active-consumer": True})
    return session.attempt(lambda channel: channel.basic_consume(queue, print, consumer_tag="t", exclusive=True))


@scenario
def single_active_and_priority(session):
    """3.10: a higher priority does not take over from the active one."""
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-single-active-consumer": True})
    low = prioritized(session, channel, queue, "low", 1, auto_ack=True)
    high = prioritized(session, channel, queue, "high", 9, auto_ack=True)
    seen = [publish_and_wait(session, channel, queue, ["a"], low, high)]
    channel.basic_cancel("low")
    return seen + [publish_and_wait(session, channel, queue, ["b"], low, high)]


@scenario
def single_active_counts_all_consumers(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-single-active-consumer": True})
    for tag in ("one", "two", "three"):
        session.consume(channel, queue, tag)
    return channel.queue_declare(queue, passive=True).method.consumer_count


@scenario
def single_active_and_get(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-single-active-consumer": True})
    channel.basic_qos(prefetch_count=1)
    consumer = session.consume(channel, queue, "active")
    session.publish_each(channel, queue, ["a", "b"])
    session.delivered(consumer, 1)
    return session.get(session.channel(), queue)
