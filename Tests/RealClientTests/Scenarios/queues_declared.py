"""queue.declare: its answers, passive declares, server-named queues, equivalence of redeclares."""

from pika.compat import long

from scenario import scenario


def declared(session, name, first, second):
    """Declares twice with those options, on channels of one connection."""
    session.queues.append(name)
    return [session.attempt(lambda channel: channel.queue_declare(name, **options)) for options in (first, second)]


@scenario
def empty(session):
    channel = session.channel()
    name = session.name("queue")
    return session.attempt(lambda channel: channel.queue_declare(name, exclusive=True), channel=channel)


@scenario
def with_messages(session):
    channel = session.channel()
    queue = session.queue(channel)
    session.publish_each(channel, queue, ["1", "2", "3"])
    return [
        session.attempt(lambda channel: channel.queue_declare(queue, exclusive=True)),
        session.attempt(lambda channel: channel.queue_declare(queue, passive=True)),
    ]


@scenario
def count_is_of_ready_messages(session):
    channel = session.channel()
    queue = session.queue(channel)
    session.publish_each(channel, queue, ["1", "2", "3"])
    session.fetch(channel, queue)
    return session.attempt(lambda channel: channel.queue_declare(queue, passive=True))


@scenario
def with_consumers(session):
    channel = session.channel()
    queue = session.queue(channel)
    session.consume(channel, queue, "one")
    session.consume(channel, queue, "two")
    return session.attempt(lambda channel: channel.queue_declare(queue, passive=True))


@scenario
def passive_missing(session):
    return session.attempt(lambda channel: channel.queue_declare(session.name("missing"), passive=True))


@scenario
def passive_ignores_other_flags(session):
    channel = session.channel()
    queue = session.durable_queue(channel)
    ask = dict(passive=True, durable=False, auto_delete=True, arguments={"x-max-length": 5})
    return session.attempt(lambda channel: channel.queue_declare(queue, **ask))


@scenario
def server_named(session):
    return [
        session.attempt(lambda channel: channel.queue_declare("", exclusive=True)),
        session.attempt(lambda channel: channel.queue_declare("", exclusive=True, auto_delete=True)),
    ]


@scenario
def server_names_differ(session):
    channel = session.channel()
    names = [channel.queue_declare("", exclusive=True).method.queue for _ in range(5)]
    return [len(set(names)), sorted({len(name) for name in names})]


@scenario
def empty_name_means_last_declared(session):
    channel = session.channel()
    exchange = session.exchange(channel, "fanout")
    session.queue(channel, "first")
    second = session.queue(channel, "second")
    channel.queue_bind("", exchange)
    session.publish(channel, exchange, "", "bound")
    bodies = session.take(channel, second)
    return [bodies, session.attempt(lambda _: channel.queue_purge(""), channel=channel)]


@scenario
def empty_name_declared_passively(session):
    channel = session.channel()
    session.queue(channel, "last")
    return session.attempt(lambda _: channel.queue_declare("", passive=True), channel=channel)


@scenario
def no_last_declared(session):
    return {
        "passive": session.attempt(lambda channel: channel.queue_declare("", passive=True)),
        "bind": session.attempt(lambda channel: channel.queue_bind("", "amq.direct", "key")),
        "unbind": session.attempt(lambda channel: channel.queue_unbind("", "amq.direct", "key")),
        "purge": session.attempt(lambda channel: channel.queue_purge("")),
        "delete": session.attempt(lambda channel: channel.queue_delete("")),
        "get": session.attempt(lambda channel: channel.basic_get("")),
        "consume": session.attempt(lambda channel: channel.basic_consume("", print)),
    }


@scenario
def reserved_prefix(session):
    return [
        session.attempt(lambda channel: channel.queue_declare("amq.own")),
        session.attempt(lambda channel: channel.queue_declare("amq.own", passive=True)),
        session.attempt(lambda channel: channel.queue_declare("amq.")),
    ]


@scenario
def line_breaks_in_name(session):
    """They are taken out. pika would wait for an answer with the name it sent."""
    channel = session.channel()
    channel._impl.queue_declare(session.name("two\r\nlines"), exclusive=True)
    return session.attempt(lambda _: channel.queue_declare(session.name("twolines"), passive=True), channel=channel)


@scenario
def name_of_255_bytes(session):
    name = session.name("n" * (255 - len(session.prefix)))
    return session.attempt(lambda channel: channel.queue_declare(name, exclusive=True))


@scenario
def name_in_unicode(session):
    channel = session.channel()
    queue = session.queue(channel, "Hühner 鸡 🐔")
    session.publish(channel, "", queue, "cluck")
    return [session.get(channel, queue), session.count(channel, queue)]


@scenario
def same_options_again(session):
    options = dict(durable=True, auto_delete=True, arguments={"x-max-length": 10, "x-message-ttl": 1000})
    return declared(session, session.name("queue"), options, options)


@scenario
def durable_then_transient(session):
    return declared(session, session.name("queue"), dict(durable=True), dict(durable=False))


@scenario
def transient_then_durable(session):
    return declared(session, session.name("queue"), dict(durable=False), dict(durable=True))


@scenario
def auto_delete_differs(session):
    name = session.name("queue")
    return declared(session, name, dict(durable=True), dict(durable=True, auto_delete=True)) + declared(
        session, session.name("other"), dict(durable=True, auto_delete=True), dict(durable=True)
    )


@scenario
def shared_then_exclusive(session):
    return declared(session, session.name("queue"), dict(durable=True), dict(durable=True, exclusive=True))


@scenario
def exclusive_then_shared(session):
    return declared(session, session.name("queue"), dict(exclusive=True), dict())


@scenario
def several_differences(session):
    """Which one is named: durable, then auto_delete, then the arguments."""
    first = dict(durable=True, arguments={"x-max-length": 1})
    second = dict(durable=False, auto_delete=True, arguments={"x-max-length": 2})
    return declared(session, session.name("queue"), first, second)


def argument_differs(session, key, value, other):
    """Declared with `value`; then with `other`, without any, and the other way round."""
    first = session.name("with")
    second = session.name("without")
    bare = dict(durable=True)
    with_value = dict(durable=True, arguments={key: value})
    return [
        declared(session, first, with_value, dict(durable=True, arguments={key: other}))[1],
        declared(session, first, with_value, bare)[1],
        declared(session, second, bare, with_value)[1],
    ]


@scenario
def message_ttl_differs(session):
    return argument_differs(session, "x-message-ttl", 1000, 2000)


@scenario
def expires_differs(session):
    return argument_differs(session, "x-expires", 60000, 70000)


@scenario
def max_length_differs(session):
    return argument_differs(session, "x-max-length", 10, 11)


@scenario
def max_length_bytes_differs(session):
    return argument_differs(session, "x-max-length-bytes", 10, 11)


@scenario
def overflow_differs(session):
    return argument_differs(session, "x-overflow", "reject-publish", "drop-head")


@scenario
def dead_letter_exchange_differs(session):
    return argument_differs(session, "x-dead-letter-exchange", "one", "two")


@scenario
def dead_letter_routing_key_differs(session):
    name = session.name("queue")

    def options(key):
        return dict(durable=True, arguments={"x-dead-letter-exchange": "dead", "x-dead-letter-routing-key": key})

    return declared(session, name, options("one"), options("two"))


@scenario
def max_priority_differs(session):
    return argument_differs(session, "x-max-priority", 5, 6)


@scenario
def single_active_consumer_differs(session):
    return argument_differs(session, "x-single-active-consumer", True, False)


@scenario
def queue_type_differs(session):
    return argument_differs(session, "x-queue-type", "classic", "quorum")


@scenario
def unknown_argument_differs(session):
    return argument_differs(session, "x-own-argument", "one", "two")


@scenario
def width_of_an_integer_does_not_matter(session):
    narrow = dict(durable=True, arguments={"x-max-length": 10})
    wide = dict(durable=True, arguments={"x-max-length": long(10)})
    return declared(session, session.name("queue"), narrow, wide)


@scenario
def type_of_an_argument_differs(session):
    text = dict(durable=True, arguments={"x-dead-letter-exchange": "10"})
    number = dict(durable=True, arguments={"x-dead-letter-exchange": 10})
    return declared(session, session.name("queue"), text, number)


@scenario
def exclusive_of_another_connection(session):
    queue = session.queue(session.channel())
    other = session.connect()
    return {
        "declare": session.attempt(lambda channel: channel.queue_declare(queue, exclusive=True), other),
        "declare shared": session.attempt(lambda channel: channel.queue_declare(queue), other),
        "passive": session.attempt(lambda channel: channel.queue_declare(queue, passive=True), other),
        "bind": session.attempt(lambda channel: channel.queue_bind(queue, "amq.direct", "key"), other),
        "unbind": session.attempt(lambda channel: channel.queue_unbind(queue, "amq.direct", "key"), other),
        "consume": session.attempt(lambda channel: channel.basic_consume(queue, print), other),
        "get": session.attempt(lambda channel: channel.basic_get(queue), other),
        "purge": session.attempt(lambda channel: channel.queue_purge(queue), other),
        "delete": session.attempt(lambda channel: channel.queue_delete(queue), other),
    }


@scenario
def binding_of_an_exclusive_queue(session):
    """Nobody else may remove it."""
    queue = session.queue(session.channel())
    key = session.name("key")
    session.channel().queue_bind(queue, "amq.direct", key)
    return session.attempt(lambda channel: channel.queue_unbind(queue, "amq.direct", key), session.connect())


@scenario
def exclusive_can_be_published_to_by_others(session):
    channel = session.channel()
    queue = session.queue(channel)
    other = session.connect().channel()
    other.confirm_delivery()
    return [session.publish(other, "", queue, "from elsewhere", mandatory=True), session.take(channel, queue)]


@scenario
def exclusive_is_gone_after_its_connection(session):
    first = session.connect()
    queue = session.queue(first.channel())
    first.close()
    return session.attempt(lambda channel: channel.queue_declare(queue, exclusive=True))


@scenario
def without_an_answer(session):
    channel = session.channel()
    name = session.name("queue")
    channel._impl.queue_declare(name, exclusive=True)
    return session.attempt(lambda _: channel.queue_declare(name, passive=True), channel=channel)
