"""basic.consume, basic.cancel, basic.qos: refusals, order, prefetch, and the broker's own cancels."""

from pika import spec

from scenario import scenario


def filled(session, count=5, **options):
    channel = session.channel()
    queue = session.queue(channel, **options)
    session.publish_each(channel, queue, [str(number) for number in range(count)])
    return channel, queue


@scenario
def missing_queue(session):
    return session.attempt(lambda channel: channel.basic_consume(session.name("missing"), print))


@scenario
def in_order(session):
    channel, queue = filled(session)
    consumer = session.consume(channel, queue)
    session.delivered(consumer, 5)
    return [consumer.redelivered, consumer.tags]


@scenario
def auto_ack(session):
    channel, queue = filled(session)
    consumer = session.consume(channel, queue, auto_ack=True)
    session.delivered(consumer, 5)
    channel.close()
    return [consumer.tags, session.count(session.channel(), queue)]


@scenario
def delivery_fields(session):
    channel = session.channel()
    queue, exchange = session.queue(channel), session.exchange(channel, "topic")
    channel.queue_bind(queue, exchange, "#")
    consumer = session.consume(channel, queue, "my tag")
    session.publish(channel, exchange, "a.key", message_id="m")
    session.delivered(consumer, 1)
    return [consumer.deliveries[0][0].consumer_tag, session.message(*consumer.deliveries[0])]


@scenario
def generated_tag(session):
    """pika makes tags of its own, so the method is sent as it is."""
    channel = session.channel()
    queue = session.queue(channel)
    tags = []
    channel._impl.callbacks.add(
        channel.channel_number, spec.Basic.ConsumeOk, lambda frame: tags.append(frame.method.consumer_tag)
    )
    channel._impl._send_method(spec.Basic.Consume(queue=queue, consumer_tag=""))
    session.wait(channel, lambda: tags)
    return tags


@scenario
def tag_in_use(session):
    channel, queue = filled(session)
    session.consume(channel, queue, "twice")

    def again(_):
        channel._impl._send_method(spec.Basic.Consume(queue=queue, consumer_tag="twice"))

    return session.attempt(again, channel=channel)


@scenario
def same_tag_on_another_channel(session):
    channel, queue = filled(session, 0)
    session.consume(channel, queue, "tag")
    other = session.channel()
    return session.attempt(lambda _: session.consume(other, queue, "tag") and None, channel=other)


@scenario
def cancelled_tag_again(session):
    channel, queue = filled(session, 0)
    session.consume(channel, queue, "tag")
    channel.basic_cancel("tag")
    consumer = session.consume(channel, queue, "tag")
    session.publish(channel, "", queue, "again")
    return session.delivered(consumer, 1)


@scenario
def cancel_of_an_unknown_tag(session):
    def cancel(channel):
        channel._impl._send_method(spec.Basic.Cancel(consumer_tag="unknown"))

    return session.attempt(cancel)


@scenario
def cancel_keeps_what_is_unacked(session):
    channel, queue = filled(session, 2)
    consumer = session.consume(channel, queue)
    session.delivered(consumer, 2)
    channel.basic_cancel(consumer.tag)
    counts = [session.count(channel, queue)]
    channel.basic_ack(consumer.tags[0])
    channel.basic_nack(consumer.tags[1], requeue=True)
    return counts + [session.take(channel, queue, 1)]


@scenario
def two_consumers_take_turns(session):
    channel = session.channel()
    queue = session.queue(channel)
    first, second = (session.consume(channel, queue, tag, auto_ack=True) for tag in ("first", "second"))
    session.publish_each(channel, queue, ["1", "2", "3", "4"])
    session.wait(channel, lambda: len(first.deliveries) + len(second.deliveries) == 4)
    return [first.bodies, second.bodies]


@scenario
def no_local_is_ignored(session):
    channel, queue = filled(session, 0)
    bodies = []
    channel._impl._consumers["tag"] = lambda _, method, properties, body: bodies.append(body)
    channel._impl._send_method(spec.Basic.Consume(queue=queue, consumer_tag="tag", no_local=True, no_ack=True))
    session.settle(channel)
    session.publish(channel, "", queue, "own")
    session.wait(channel, lambda: bodies)
    return bodies


@scenario
def queue_deleted(session):
    channel, queue = filled(session, 0)
    consumer = session.consume(channel, queue)
    session.channel().queue_delete(queue)
    session.wait(channel, lambda: consumer.cancelled)
    return consumer.cancelled


@scenario
def queue_deleted_by_the_consumer_itself(session):
    channel, queue = filled(session, 0)
    consumer = session.consume(channel, queue)
    channel.queue_delete(queue)
    session.wait(channel, lambda: consumer.cancelled)
    return consumer.cancelled


@scenario
def queue_expired(session):
    """A consumer keeps it, so only its other consumer's end counts."""
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-expires": 400})
    consumer = session.consume(channel, queue)
    session.pause(channel, 0.9)
    return consumer.cancelled


@scenario
def prefetch(session):
    channel, queue = filled(session)
    channel.basic_qos(prefetch_count=2)
    consumer = session.consume(channel, queue)
    seen = [list(session.delivered(consumer, 2))]
    channel.basic_ack(consumer.tags[0])
    seen.append(list(session.delivered(consumer, 3)))
    channel.basic_ack(consumer.tags[2], multiple=True)
    return seen + [session.delivered(consumer, 5)]


@scenario
def prefetch_is_for_consumers_that_follow(session):
    channel, queue = filled(session, 4)
    first = session.consume(channel, queue, "first")
    session.delivered(first, 4)
    channel.basic_qos(prefetch_count=1)
    session.publish_each(channel, queue, ["4", "5"])
    return session.delivered(first, 6)


@scenario
def prefetch_for_each_consumer(session):
    channel, queue = filled(session, 6)
    channel.basic_qos(prefetch_count=2)
    first, second = session.consume(channel, queue, "first"), session.consume(channel, queue, "second")
    session.wait(channel, lambda: len(first.deliveries) + len(second.deliveries) >= 4)
    session.pause(channel)
    return [first.bodies, second.bodies, session.count(channel, queue)]


@scenario
def prefetch_of_the_channel(session):
    channel, queue = filled(session, 6)
    channel.basic_qos(prefetch_count=3, global_qos=True)
    first, second = session.consume(channel, queue, "first"), session.consume(channel, queue, "second")
    session.wait(channel, lambda: len(first.deliveries) + len(second.deliveries) >= 3)
    session.pause(channel)
    return [len(first.deliveries) + len(second.deliveries), session.count(channel, queue)]


@scenario
def prefetch_of_both_kinds(session):
    channel, queue = filled(session, 8)
    channel.basic_qos(prefetch_count=2)
    channel.basic_qos(prefetch_count=3, global_qos=True)
    first, second = session.consume(channel, queue, "first"), session.consume(channel, queue, "second")
    session.wait(channel, lambda: len(first.deliveries) + len(second.deliveries) >= 3)
    session.pause(channel)
    return [len(first.deliveries), len(second.deliveries)]


@scenario
def prefetch_of_the_channel_lifted(session):
    channel, queue = filled(session, 4)
    channel.basic_qos(prefetch_count=1, global_qos=True)
    consumer = session.consume(channel, queue)
    before = list(session.delivered(consumer, 1))
    channel.basic_qos(prefetch_count=0, global_qos=True)
    return [before, session.delivered(consumer, 4)]


@scenario
def prefetch_does_not_count_gets(session):
    channel, queue = filled(session, 4)
    session.fetch(channel, queue)
    channel.basic_qos(prefetch_count=1)
    consumer = session.consume(channel, queue)
    return session.delivered(consumer, 1)


@scenario
def prefetch_does_not_count_auto_acks(session):
    channel, queue = filled(session, 4)
    channel.basic_qos(prefetch_count=1)
    consumer = session.consume(channel, queue, auto_ack=True)
    return session.delivered(consumer, 4)


@scenario
def prefetch_size(session):
    return session.attempt(lambda channel: channel.basic_qos(prefetch_size=100))


@scenario
def requeued_to_the_same_consumer(session):
    channel, queue = filled(session, 3)
    channel.basic_qos(prefetch_count=1)
    consumer = session.consume(channel, queue)
    session.delivered(consumer, 1)
    channel.basic_nack(consumer.tags[0], requeue=True)
    session.delivered(consumer, 2)
    return consumer.redelivered


@scenario
def unacked_goes_to_the_other_consumer(session):
    channel, queue = filled(session, 2)
    first = session.consume(channel, queue, "first")
    session.delivered(first, 2)
    other = session.channel()
    second = session.consume(other, queue, "second")
    channel.close()
    session.delivered(second, 2)
    return second.redelivered


@scenario
def exclusive(session):
    channel, queue = filled(session, 0)
    session.consume(channel, queue, "one", exclusive=True)
    return [
        session.attempt(lambda other: other.basic_consume(queue, print, consumer_tag="two")),
        session.attempt(lambda other: other.basic_consume(queue, print, consumer_tag="two", exclusive=True)),
    ]


@scenario
def exclusive_beside_another(session):
    channel, queue = filled(session, 0)
    session.consume(channel, queue, "one")
    return session.attempt(lambda other: other.basic_consume(queue, print, consumer_tag="two", exclusive=True))


@scenario
def exclusive_after_the_other_has_gone(session):
    channel, queue = filled(session, 0)
    session.consume(channel, queue, "one", exclusive=True)
    channel.basic_cancel("one")
    return session.attempt(lambda other: other.basic_consume(queue, print, consumer_tag="two", exclusive=True))


@scenario
def exclusive_allows_get(session):
    channel = session.channel()
    queue = session.queue(channel)
    channel.basic_qos(prefetch_count=1)
    session.consume(channel, queue, "one", exclusive=True)
    session.publish_each(channel, queue, ["1", "2"])
    return session.arrived(session.channel(), queue)["body"]


@scenario
def flow(session):
    return {
        "on": session.attempt(lambda channel: channel.flow(True)),
        "off": session.attempt(lambda channel: channel.flow(False)),
    }


@scenario
def large_messages(session):
    channel = session.channel()
    queue = session.queue(channel)
    consumer = session.consume(channel, queue)
    for size in (0, 200000, 1, 500000):
        session.publish(channel, "", queue, b"x" * size)
    return [len(body) for body in session.delivered(consumer, 4)]
