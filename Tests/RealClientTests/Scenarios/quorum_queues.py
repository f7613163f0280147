"""Queues with x-queue-type quorum: what holds on one node."""

from scenario import dead_letters, scenario


def quorum(session, channel, label="quorum", **arguments):
    table = {"x-" + name.replace("_", "-"): value for name, value in arguments.items()}
    return session.durable_queue(channel, label, arguments={"x-queue-type": "quorum", **table})


@scenario
def declared_and_used(session):
    channel = session.channel()
    queue = quorum(session, channel)
    answers = session.publish_each(channel, queue, ["1", "2", "3"])
    return [answers, session.take(channel, queue, 3)]


@scenario
def redeclared(session):
    channel = session.channel()
    queue = quorum(session, channel)
    same = {"x-queue-type": "quorum"}
    return [
        session.attempt(lambda channel: channel.queue_declare(queue, durable=True, arguments=same)),
        session.attempt(lambda channel: channel.queue_declare(queue, durable=True)),
        session.attempt(
            lambda channel: channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "classic"})
        ),
    ]


@scenario
def global_prefetch(session):
    """Refused at the consume."""
    queue = quorum(session, session.channel())

    def consume(channel):
        channel.basic_qos(prefetch_count=5, global_qos=True)
        channel.basic_consume(queue, print, consumer_tag="t")

    return session.attempt(consume)


@scenario
def deleted_conditionally(session):
    queue = quorum(session, session.channel())
    return [
        session.attempt(lambda channel: channel.queue_delete(queue, if_unused=True)),
        session.attempt(lambda channel: channel.queue_delete(queue, if_empty=True)),
    ]


@scenario
def delivery_count(session):
    channel = session.channel()
    queue = quorum(session, channel)
    session.publish(channel, "", queue)
    seen = []
    for _ in range(3):
        method, properties, _ = channel.basic_get(queue)
        seen.append([method.redelivered, (properties.headers or {}).get("x-delivery-count")])
        channel.basic_nack(method.delivery_tag, requeue=True)
        session.wait_count(channel, queue, 1)
    return seen


@scenario
def delivery_limit(session):
    channel = session.channel()
    target = session.queue(channel, "target")
    arguments = {"delivery_limit": 2, "dead_letter_exchange": "", "dead_letter_routing_key": target}
    queue = quorum(session, channel, **arguments)
    session.publish(channel, "", queue, "poison")
    deliveries = 0
    while session.count(channel, target) == 0 and deliveries < 9:
        session.wait(channel, lambda: session.count(channel, queue) or session.count(channel, target))
        method, _, _ = channel.basic_get(queue)
        if method:
            deliveries += 1
            # Since 4.3 only failures count, and basic.nack tells of none.
            channel.basic_reject(method.delivery_tag, requeue=True)
            session.settle(channel)
    return [deliveries, session.arrived(channel, target)]


@scenario
def dead_letters_at_most_once(session):
    channel = session.channel()
    target = session.queue(channel, "target")
    queue = quorum(session, channel, dead_letter_exchange="", dead_letter_routing_key=target)
    session.publish(channel, "", queue)
    channel.basic_reject(session.fetch(channel, queue), requeue=False)
    return session.arrived(channel, target)


@scenario
def message_ttl(session):
    channel = session.channel()
    target = session.queue(channel, "target")
    queue = quorum(session, channel, message_ttl=30, dead_letter_exchange="", dead_letter_routing_key=target)
    session.publish(channel, "", queue)
    return session.arrived(channel, target)


@scenario
def max_length(session):
    channel = session.channel()
    queue = quorum(session, channel, max_length=2)
    session.publish_each(channel, queue, ["1", "2", "3", "4"])
    session.wait_count(channel, queue, 2)
    return session.take(channel, queue)


@scenario
def single_active_consumer(session):
    channel = session.channel()
    queue = quorum(session, channel, single_active_consumer=True)
    consumers = [session.consume(channel, queue, tag) for tag in ("first", "second")]
    session.publish_each(channel, queue, ["a", "b"])
    session.wait(channel, lambda: sum(len(consumer.deliveries) for consumer in consumers) == 2)
    return {consumer.tag: consumer.bodies for consumer in consumers}


@scenario
def get_beside_single_active_consumer(session):
    queue = quorum(session, session.channel(), single_active_consumer=True)
    return session.attempt(lambda channel: channel.basic_get(queue))


@scenario
def requeue_order(session):
    """To the front, as they were."""
    channel = session.channel()
    queue = quorum(session, channel)
    session.publish_each(channel, queue, ["1", "2", "3"])
    channel.basic_nack(session.fetch(channel, queue), requeue=True)
    session.wait_count(channel, queue, 3)
    return sorted(session.take(channel, queue, 3))


@scenario
def classic_dead_letters_to_it(session):
    channel = session.channel()
    queue = quorum(session, channel)
    source = session.queue(channel, "source", arguments=dead_letters(key=queue))
    session.publish(channel, "", source)
    channel.basic_reject(session.fetch(channel, source), requeue=False)
    return session.arrived(channel, queue)


@scenario
def purged_and_deleted(session):
    channel = session.channel()
    queue = quorum(session, channel)
    session.publish_each(channel, queue, ["1", "2"])
    session.wait_count(channel, queue, 2)
    purged = channel.queue_purge(queue).method.message_count
    session.publish(channel, "", queue)
    session.wait_count(channel, queue, 1)
    return [purged, channel.queue_delete(queue).method.message_count]
