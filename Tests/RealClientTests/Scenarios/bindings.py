"""queue.bind, queue.unbind, exchange.bind, exchange.unbind: answers, refusals, and what they do to routing."""

from scenario import scenario


def reached(session, channel, exchange, key, queue, **properties):
    session.publish(channel, exchange, key, "message", **properties)
    return len(session.take(channel, queue))


@scenario
def missing_queue(session):
    missing = session.name("missing")
    return {
        "bind": session.attempt(lambda channel: channel.queue_bind(missing, "amq.direct", "key")),
        "unbind": session.attempt(lambda channel: channel.queue_unbind(missing, "amq.direct", "key")),
    }


@scenario
def missing_exchange(session):
    queue = session.queue(session.channel())
    missing = session.name("missing")
    return {
        "bind": session.attempt(lambda channel: channel.queue_bind(queue, missing, "key")),
        "unbind": session.attempt(lambda channel: channel.queue_unbind(queue, missing, "key")),
    }


@scenario
def both_missing(session):
    name = session.name("missing")
    return session.attempt(lambda channel: channel.queue_bind(name, name + "-exchange", "key"))


@scenario
def default_exchange(session):
    queue = session.queue(session.channel())
    return {
        "bind": session.attempt(lambda channel: channel.queue_bind(queue, "", "key")),
        "unbind": session.attempt(lambda channel: channel.queue_unbind(queue, "", queue)),
        "bind exchange from": session.attempt(lambda channel: channel.exchange_bind("amq.fanout", "", "key")),
        "bind exchange to": session.attempt(lambda channel: channel.exchange_bind("", "amq.fanout", "key")),
        "unbind exchange": session.attempt(lambda channel: channel.exchange_unbind("amq.fanout", "", "key")),
    }


@scenario
def bound_twice_delivers_once(session):
    channel = session.channel()
    queue, exchange = session.queue(channel), session.exchange(channel, "direct")
    for _ in range(2):
        channel.queue_bind(queue, exchange, "key")
    counts = [reached(session, channel, exchange, "key", queue)]
    channel.queue_unbind(queue, exchange, "key")
    return counts + [reached(session, channel, exchange, "key", queue)]


@scenario
def two_keys_deliver_once(session):
    channel = session.channel()
    queue, exchange = session.queue(channel), session.exchange(channel, "fanout")
    channel.queue_bind(queue, exchange, "one")
    channel.queue_bind(queue, exchange, "two")
    return reached(session, channel, exchange, "", queue)


@scenario
def arguments_tell_bindings_apart(session):
    channel = session.channel()
    queue, exchange = session.queue(channel), session.exchange(channel, "direct")
    channel.queue_bind(queue, exchange, "key", arguments={"a": 1})
    channel.queue_bind(queue, exchange, "key", arguments={"a": 2})
    channel.queue_unbind(queue, exchange, "key", arguments={"a": 1})
    counts = [reached(session, channel, exchange, "key", queue)]
    channel.queue_unbind(queue, exchange, "key", arguments={"a": 3})
    counts.append(reached(session, channel, exchange, "key", queue))
    channel.queue_unbind(queue, exchange, "key", arguments={"a": 2})
    return counts + [reached(session, channel, exchange, "key", queue)]


@scenario
def unbind_of_what_is_not_bound(session):
    queue = session.queue(session.channel())
    return session.attempt(lambda channel: channel.queue_unbind(queue, "amq.direct", "no such key"))


@scenario
def empty_queue_and_key(session):
    """Both empty: the last declared queue, and its name as the key."""
    channel = session.channel()
    exchange = session.exchange(channel, "direct")
    queue = session.queue(channel)
    channel.queue_bind("", exchange, "")
    return [reached(session, channel, exchange, key, queue) for key in (queue, "")]


@scenario
def empty_key_of_a_named_queue(session):
    channel = session.channel()
    exchange, queue = session.exchange(channel, "direct"), session.queue(channel)
    channel.queue_bind(queue, exchange, "")
    return [reached(session, channel, exchange, key, queue) for key in (queue, "")]


@scenario
def bindings_go_with_their_queue(session):
    channel = session.channel()
    exchange, queue = session.exchange(channel, "direct"), session.queue(channel)
    channel.queue_bind(queue, exchange, "key")
    channel.queue_delete(queue)
    session.queue(channel)
    return reached(session, channel, exchange, "key", queue)


@scenario
def bindings_go_with_their_exchange(session):
    channel = session.channel()
    exchange, queue = session.exchange(channel, "direct"), session.queue(channel)
    channel.queue_bind(queue, exchange, "key")
    channel.exchange_delete(exchange)
    session.exchange(channel, "direct")
    return reached(session, channel, exchange, "key", queue)


@scenario
def exchange_to_exchange(session):
    channel = session.channel()
    source, target = session.exchange(channel, "topic", "source"), session.exchange(channel, "direct", "target")
    queue = session.queue(channel)
    channel.exchange_bind(target, source, "a.*")
    channel.queue_bind(queue, target, "a.b")
    counts = [reached(session, channel, source, key, queue) for key in ("a.b", "a.c", "b.b")]
    session.publish(channel, source, "a.b", "message")
    return [counts, session.get(channel, queue)]


@scenario
def exchange_unbound(session):
    channel = session.channel()
    source, target = session.exchange(channel, "fanout", "source"), session.exchange(channel, "fanout", "target")
    queue = session.queue(channel)
    channel.exchange_bind(target, source, "key")
    channel.queue_bind(queue, target)
    counts = [reached(session, channel, source, "", queue)]
    channel.exchange_unbind(target, source, "other")
    counts.append(reached(session, channel, source, "", queue))
    channel.exchange_unbind(target, source, "key")
    return counts + [reached(session, channel, source, "", queue)]


@scenario
def exchange_bound_to_missing(session):
    missing = session.name("missing")
    return {
        "source": session.attempt(lambda channel: channel.exchange_bind("amq.fanout", missing, "key")),
        "destination": session.attempt(lambda channel: channel.exchange_bind(missing, "amq.fanout", "key")),
        "unbind source": session.attempt(lambda channel: channel.exchange_unbind("amq.fanout", missing, "key")),
        "unbind destination": session.attempt(lambda channel: channel.exchange_unbind(missing, "amq.fanout", "key")),
    }


@scenario
def exchange_bound_to_itself(session):
    channel = session.channel()
    exchange, queue = session.exchange(channel, "fanout"), session.queue(channel)
    bound = session.attempt(lambda channel: channel.exchange_bind(exchange, exchange, "key"))
    channel.queue_bind(queue, exchange)
    return [bound, reached(session, channel, exchange, "", queue)]


@scenario
def ring_of_exchanges(session):
    channel = session.channel()
    ring = [session.exchange(channel, "fanout", f"ring-{number}") for number in range(3)]
    queues = [session.queue(channel, f"queue-{number}") for number in range(3)]
    for number, exchange in enumerate(ring):
        channel.exchange_bind(ring[(number + 1) % 3], exchange)
        channel.queue_bind(queues[number], exchange)
    session.publish(channel, ring[1], "", "round")
    return [session.take(channel, queue) for queue in queues]


@scenario
def diamond_delivers_once(session):
    channel = session.channel()
    top = session.exchange(channel, "fanout", "top")
    queue = session.queue(channel)
    for label in ("left", "right"):
        side = session.exchange(channel, "fanout", label)
        channel.exchange_bind(side, top)
        channel.queue_bind(queue, side)
    return reached(session, channel, top, "", queue)


@scenario
def deleted_target_exchange(session):
    channel = session.channel()
    source, target = session.exchange(channel, "fanout", "source"), session.exchange(channel, "fanout", "target")
    channel.exchange_bind(target, source)
    channel.exchange_delete(target)
    return session.publish(channel, source, "key", mandatory=True)


@scenario
def exchange_arguments_of_headers(session):
    channel = session.channel()
    source, target = session.exchange(channel, "headers", "source"), session.exchange(channel, "fanout", "target")
    queue = session.queue(channel)
    channel.exchange_bind(target, source, "", arguments={"x-match": "all", "colour": "red"})
    channel.queue_bind(queue, target)
    colours = ("red", "blue")
    return [reached(session, channel, source, "", queue, headers={"colour": colour}) for colour in colours]
