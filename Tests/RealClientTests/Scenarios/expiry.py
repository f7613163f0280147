"""Message TTL, expiration, x-expires: what expires when, and in which order."""

from scenario import dead_letters, scenario


@scenario
def queue_ttl(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-message-ttl": 20})
    session.publish_each(channel, queue, ["1", "2"])
    return session.wait_count(channel, queue, 0)


@scenario
def message_ttl(session):
    channel = session.channel()
    queue = session.queue(channel)
    session.publish(channel, "", queue, expiration="20")
    return session.wait_count(channel, queue, 0)


@scenario
def long_ttl_keeps_the_property(session):
    channel = session.channel()
    queue = session.queue(channel)
    session.publish(channel, "", queue, expiration="60000")
    return session.get(channel, queue)


@scenario
def the_shorter_of_both_counts(session):
    channel = session.channel()
    short = session.queue(channel, "short", arguments={"x-message-ttl": 20})
    long = session.queue(channel, "long", arguments={"x-message-ttl": 60000})
    session.publish(channel, "", short, expiration="60000")
    session.publish(channel, "", long, expiration="20")
    return [session.wait_count(channel, queue, 0) for queue in (short, long)]


@scenario
def zero_is_gone_at_once(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-message-ttl": 0})
    other = session.queue(channel, "other")
    session.publish(channel, "", queue)
    session.publish(channel, "", other, expiration="0")
    return [session.get(channel, queue), session.get(channel, other)]


@scenario
def zero_is_delivered_to_who_waits(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-message-ttl": 0})
    other = session.queue(channel, "other")
    consumers = [session.consume(channel, name, name, auto_ack=True) for name in (queue, other)]
    session.publish(channel, "", queue, "queue's")
    session.publish(channel, "", other, "message's", expiration="0")
    return [session.delivered(consumer, 1) for consumer in consumers]


@scenario
def zero_with_a_busy_consumer(session):
    """Nobody has credit: it is gone."""
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-message-ttl": 0})
    channel.basic_qos(prefetch_count=1)
    consumer = session.consume(channel, queue)
    session.publish_each(channel, queue, ["1", "2"])
    session.delivered(consumer, 1)
    channel.basic_ack(consumer.tags[0])
    session.pause(channel)
    return consumer.bodies


@scenario
def unacked_does_not_expire(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-message-ttl": 500})
    session.publish(channel, "", queue)
    tag = session.fetch(channel, queue)
    session.pause(channel, 0.8)
    return session.attempt(lambda _: channel.basic_ack(tag), channel=channel)


@scenario
def requeued_after_its_time(session):
    """Expired on its return."""
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-message-ttl": 500})
    session.publish(channel, "", queue)
    tag = session.fetch(channel, queue)
    session.pause(channel, 0.8)
    channel.basic_nack(tag, requeue=True)
    session.settle(channel)
    return session.get(channel, queue)


@scenario
def requeued_within_its_time(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-message-ttl": 60000})
    session.publish(channel, "", queue)
    channel.basic_nack(session.fetch(channel, queue), requeue=True)
    return session.get(channel, queue)


@scenario
def order_of_equal_ttls(session):
    channel = session.channel()
    target = session.queue(channel, "target")
    queue = session.queue(channel, arguments=dead_letters(key=target))
    for number in range(5):
        session.publish(channel, "", queue, str(number), expiration="30")
    return session.take(channel, target, 5)


@scenario
def shorter_behind_longer(session):
    """RabbitMQ expires at the head only; Leveret does not let the longer one hold back the shorter."""
    channel = session.channel()
    target = session.queue(channel, "target")
    queue = session.queue(channel, arguments=dead_letters(key=target))
    session.publish(channel, "", queue, "long", expiration="800")
    session.publish(channel, "", queue, "short", expiration="20")
    return session.take(channel, target, 2)


@scenario
def expired_behind_a_lasting_message(session):
    """What a get or a consumer sees."""
    channel = session.channel()
    queue = session.queue(channel)
    session.publish(channel, "", queue, "lasting")
    session.publish(channel, "", queue, "short", expiration="20")
    session.publish(channel, "", queue, "last")
    session.pause(channel, 0.2)
    return session.take(channel, queue)


@scenario
def mixed_ttls_by_get(session):
    channel = session.channel()
    queue = session.queue(channel)
    for body, expiration in (("a", "20"), ("b", "60000"), ("c", "30"), ("d", None)):
        session.publish(channel, "", queue, body, expiration=expiration)
    session.pause(channel, 0.2)
    return session.take(channel, queue)


@scenario
def queue_expires_unused(session):
    channel = session.channel()
    queue = session.durable_queue(channel, arguments={"x-expires": 40})
    session.pause(channel, 0.5)
    return session.attempt(lambda channel: channel.queue_declare(queue, passive=True))


@scenario
def queue_expires_with_messages(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-expires": 40})
    session.publish(channel, "", queue)
    session.pause(channel, 0.5)
    return session.attempt(lambda channel: channel.queue_declare(queue, passive=True))


@scenario
def queue_does_not_expire_with_a_consumer(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-expires": 400})
    consumer = session.consume(channel, queue)
    session.pause(channel, 0.9)
    session.publish(channel, "", queue)
    return session.delivered(consumer, 1)


@scenario
def queue_expires_after_its_consumer(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-expires": 400})
    consumer = session.consume(channel, queue)
    channel.basic_cancel(consumer.tag)
    session.pause(channel, 0.9)
    return session.attempt(lambda channel: channel.queue_declare(queue, passive=True))


@scenario
def get_keeps_a_queue(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-expires": 800})
    for _ in range(5):
        session.pause(channel, 0.25)
        session.get(channel, queue)
    return session.attempt(lambda channel: channel.queue_declare(queue, passive=True))


@scenario
def declare_keeps_a_queue(session):
    channel = session.channel()
    queue = session.queue(channel, arguments={"x-expires": 800})
    for _ in range(5):
        session.pause(channel, 0.25)
        channel.queue_declare(queue, exclusive=True, arguments={"x-expires": 800})
    return session.attempt(lambda channel: channel.queue_declare(queue, passive=True))


@scenario
def persistent_expires_too(session):
    channel = session.channel()
    queue = session.durable_queue(channel, arguments={"x-message-ttl": 20})
    session.publish(channel, "", queue, delivery_mode=2)
    return session.wait_count(channel, queue, 0)
