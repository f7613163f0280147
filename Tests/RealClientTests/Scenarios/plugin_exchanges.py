"""Exchange types that RabbitMQ has as plugins: x-consistent-hash, x-random, x-recent-history."""

from scenario import scenario


@scenario
def random_reaches_one(session):
    channel = session.channel()
    exchange = session.exchange(channel, "x-random", "exchange")
    queues = [session.queue(channel, f"queue-{number}") for number in range(3)]
    for queue in queues:
        channel.queue_bind(queue, exchange, "ignored")
    answers = session.publish_each(channel, "key", ["m"] * 100, exchange)
    counts = [session.count(channel, queue) for queue in queues]
    return [set(answers) == {"ack"}, sum(counts), min(counts) > 0]


@scenario
def random_without_queues(session):
    channel = session.channel()
    exchange = session.exchange(channel, "x-random", "exchange")
    return session.publish(channel, exchange, "key", mandatory=True)


@scenario
def consistent_hash_spreads_and_keeps(session):
    channel = session.channel()
    exchange = session.exchange(channel, "x-consistent-hash", "exchange")
    queues = [session.queue(channel, f"queue-{number}") for number in range(4)]
    for queue in queues:
        channel.queue_bind(queue, exchange, "10")
    keys = [f"key-{number}" for number in range(200)]
    for key in keys * 2:
        session.publish(channel, exchange, key, key)
    held = [session.take(channel, queue) for queue in queues]
    same = all(bodies.count(body) == 2 for bodies in held for body in bodies)
    return [sum(len(bodies) for bodies in held), same, min(len(bodies) for bodies in held) > 20]


@scenario
def consistent_hash_weights(session):
    channel = session.channel()
    exchange = session.exchange(channel, "x-consistent-hash", "exchange")
    light, heavy = session.queue(channel, "light"), session.queue(channel, "heavy")
    channel.queue_bind(light, exchange, "1")
    channel.queue_bind(heavy, exchange, "9")
    for number in range(300):
        session.publish(channel, exchange, str(number))
    counts = session.count(channel, light), session.count(channel, heavy)
    return [sum(counts), counts[1] > 2 * counts[0]]


@scenario
def consistent_hash_bad_weight(session):
    channel = session.channel()
    exchange, queue = session.exchange(channel, "x-consistent-hash", "exchange"), session.queue(channel)
    return {
        key: session.attempt(lambda channel: channel.queue_bind(queue, exchange, key))
        for key in ("a", "", "-1", "0", "1.5")
    }


@scenario
def consistent_hash_by_header(session):
    channel = session.channel()
    exchange = session.exchange(channel, "x-consistent-hash", "exchange", arguments={"hash-header": "user"})
    queues = [session.queue(channel, f"queue-{number}") for number in range(3)]
    for queue in queues:
        channel.queue_bind(queue, exchange, "10")
    for number in range(30):
        session.publish(channel, exchange, f"key-{number}", headers={"user": "same"})
    return sorted(session.count(channel, queue) for queue in queues)


@scenario
def consistent_hash_by_property(session):
    channel = session.channel()
    exchange = session.exchange(channel, "x-consistent-hash", "exchange", arguments={"hash-property": "message_id"})
    queues = [session.queue(channel, f"queue-{number}") for number in range(3)]
    for queue in queues:
        channel.queue_bind(queue, exchange, "10")
    for number in range(30):
        session.publish(channel, exchange, f"key-{number}", message_id="same")
    return sorted(session.count(channel, queue) for queue in queues)


@scenario
def consistent_hash_arguments(session):
    def declare(arguments):
        name = session.name("refused")
        session.exchanges.append(name)
        return session.attempt(lambda channel: channel.exchange_declare(name, "x-consistent-hash", arguments=arguments))

    return [
        declare({"hash-header": "a", "hash-property": "message_id"}),
        declare({"hash-property": "content_type"}),
        declare({"hash-property": 5}),
    ]


@scenario
def consistent_hash_queue_goes(session):
    """What it had goes to the others."""
    channel = session.channel()
    exchange = session.exchange(channel, "x-consistent-hash", "exchange")
    queues = [session.queue(channel, f"queue-{number}") for number in range(2)]
    for queue in queues:
        channel.queue_bind(queue, exchange, "5")
    channel.queue_delete(queues[0])
    for number in range(20):
        session.publish(channel, exchange, str(number))
    return session.count(channel, queues[1])


@scenario
def consistent_hash_without_queues(session):
    channel = session.channel()
    exchange = session.exchange(channel, "x-consistent-hash", "exchange")
    return session.publish(channel, exchange, "key", mandatory=True)


@scenario
def recent_history(session):
    """A queue that is bound gets the last messages that were published before."""
    channel = session.channel()
    exchange = session.exchange(channel, "x-recent-history", "exchange", arguments={"x-recent-history-length": 3})
    early, late = session.queue(channel, "early"), session.queue(channel, "late")
    channel.queue_bind(early, exchange)
    session.publish_each(channel, "key", ["1", "2", "3", "4"], exchange)
    channel.queue_bind(late, exchange)
    session.publish(channel, exchange, "key", "5")
    return [session.take(channel, early), sorted(session.take(channel, late, 4))]


@scenario
def recent_history_default_length(session):
    channel = session.channel()
    exchange, queue = session.exchange(channel, "x-recent-history", "exchange"), session.queue(channel)
    session.publish_each(channel, "key", [str(number) for number in range(30)], exchange)
    channel.queue_bind(queue, exchange)
    return session.wait_count(channel, queue, 20)


@scenario
def recent_history_no_store(session):
    channel = session.channel()
    exchange, queue = session.exchange(channel, "x-recent-history", "exchange"), session.queue(channel)
    session.publish(channel, exchange, "key", "kept")
    session.publish(channel, exchange, "key", "not kept", headers={"x-recent-history-no-store": True})
    channel.queue_bind(queue, exchange)
    session.wait_count(channel, queue, 1)
    return session.take(channel, queue)


@scenario
def recent_history_message(session):
    channel = session.channel()
    exchange, queue = session.exchange(channel, "x-recent-history", "exchange"), session.queue(channel)
    session.publish(channel, exchange, "key", headers={"a": 1}, message_id="m")
    channel.queue_bind(queue, exchange, "other")
    return session.arrived(channel, queue)


@scenario
def recent_history_bad_length(session):
    def declare(value):
        name = session.name("refused")
        session.exchanges.append(name)
        table = {"x-recent-history-length": value}
        return session.attempt(lambda channel: channel.exchange_declare(name, "x-recent-history", arguments=table))

    return [declare(0), declare(-1), declare("5")]
