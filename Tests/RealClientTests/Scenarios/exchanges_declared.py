"""exchange.declare and exchange.delete: answers, refusals and equivalence."""

from scenario import scenario

TYPES = ("direct", "fanout", "topic", "headers")


def declared(session, first, second):
    name = session.name("exchange")
    session.exchanges.append(name)
    return [session.attempt(lambda channel: channel.exchange_declare(name, **options)) for options in (first, second)]


@scenario
def each_type(session):
    def declare(channel, kind):
        name = session.exchange(channel, kind)
        channel.exchange_declare(name, passive=True)

    return {kind: session.attempt(lambda channel: declare(channel, kind)) for kind in TYPES}


@scenario
def predeclared(session):
    names = ["amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match", "amq.rabbitmq.trace", ""]
    return {name: session.attempt(lambda channel: channel.exchange_declare(name, passive=True)) for name in names}


@scenario
def predeclared_declared_again(session):
    return [
        session.attempt(lambda channel: channel.exchange_declare("amq.direct", "direct", durable=True)),
        session.attempt(lambda channel: channel.exchange_declare("amq.direct", "direct", durable=False)),
        session.attempt(lambda channel: channel.exchange_declare("amq.direct", "fanout", durable=True)),
    ]


@scenario
def unknown_type(session):
    return session.attempt(lambda channel: channel.exchange_declare(session.name("exchange"), "no-such-type"))


@scenario
def passive_missing(session):
    return session.attempt(lambda channel: channel.exchange_declare(session.name("missing"), passive=True))


@scenario
def passive_with_another_type(session):
    name = session.exchange(session.channel(), "direct")
    return session.attempt(lambda channel: channel.exchange_declare(name, "fanout", passive=True, durable=True))


@scenario
def reserved_prefix(session):
    return session.attempt(lambda channel: channel.exchange_declare("amq.own", "direct"))


@scenario
def default_exchange(session):
    return {
        "declare": session.attempt(lambda channel: channel.exchange_declare("", "direct", durable=True)),
        "delete": session.attempt(lambda channel: channel.exchange_delete("")),
    }


@scenario
def line_breaks_in_name(session):
    channel = session.channel()
    name = session.name("twolines")
    session.exchanges.append(name)
    channel.exchange_declare(session.name("two\r\nlines"), "direct")
    return session.attempt(lambda channel: channel.exchange_declare(name, passive=True))


@scenario
def same_again(session):
    options = dict(exchange_type="topic", durable=True, auto_delete=True, internal=True)
    return declared(session, options, options)


@scenario
def type_differs(session):
    return declared(session, dict(exchange_type="direct"), dict(exchange_type="fanout"))


@scenario
def durable_differs(session):
    return declared(session, dict(exchange_type="direct", durable=True), dict(exchange_type="direct"))


@scenario
def auto_delete_differs(session):
    return declared(session, dict(exchange_type="direct"), dict(exchange_type="direct", auto_delete=True))


@scenario
def internal_differs(session):
    return declared(session, dict(exchange_type="direct"), dict(exchange_type="direct", internal=True))


@scenario
def several_differences(session):
    """Which one is named."""
    other = dict(exchange_type="fanout", durable=True, auto_delete=True, internal=True)
    return declared(session, dict(exchange_type="direct"), other)


@scenario
def alternate_exchange_differs(session):
    with_one = dict(exchange_type="direct", arguments={"alternate-exchange": "one"})
    with_two = dict(exchange_type="direct", arguments={"alternate-exchange": "two"})
    without = dict(exchange_type="direct")
    return declared(session, with_one, with_two) + declared(session, with_one, without)


@scenario
def alternate_exchange_added(session):
    without = dict(exchange_type="direct")
    return declared(session, without, dict(exchange_type="direct", arguments={"alternate-exchange": "one"}))


@scenario
def other_arguments_are_not_compared(session):
    first = dict(exchange_type="direct", arguments={"x-own": 1})
    return declared(session, first, dict(exchange_type="direct", arguments={"x-own": 2, "more": "text"}))


@scenario
def alternate_exchange_of_wrong_type(session):
    def declare(value):
        table = {"alternate-exchange": value}
        session.exchanges.append(session.name("exchange"))
        return session.attempt(lambda channel: channel.exchange_declare(session.name("exchange"), arguments=table))

    return [declare(5), declare(True), declare(None)]


@scenario
def deleted(session):
    name = session.exchange(session.channel(), "direct")
    return [
        session.attempt(lambda channel: channel.exchange_delete(name)),
        session.attempt(lambda channel: channel.exchange_declare(name, passive=True)),
    ]


@scenario
def deleted_when_missing(session):
    return session.attempt(lambda channel: channel.exchange_delete(session.name("missing")))


@scenario
def deleted_if_unused(session):
    channel = session.channel()
    name = session.exchange(channel, "direct")
    queue = session.queue(channel)
    channel.queue_bind(queue, name, "key")
    refused = session.attempt(lambda channel: channel.exchange_delete(name, if_unused=True))
    channel.queue_unbind(queue, name, "key")
    return [refused, session.attempt(lambda channel: channel.exchange_delete(name, if_unused=True))]


@scenario
def deleted_if_unused_while_a_destination(session):
    """In use means to be a source."""
    channel = session.channel()
    source, name = session.exchange(channel, "fanout", "source"), session.exchange(channel, "fanout", "target")
    channel.exchange_bind(name, source)
    return session.attempt(lambda channel: channel.exchange_delete(name, if_unused=True))


@scenario
def system_exchange_deleted(session):
    names = ("amq.direct", "amq.topic", "amq.rabbitmq.trace")
    return [session.attempt(lambda channel: channel.exchange_delete(name)) for name in names]


@scenario
def auto_delete_goes_with_the_last_binding(session):
    channel = session.channel()
    name = session.exchange(channel, "direct", auto_delete=True)
    queue = session.queue(channel)
    for key in ("one", "two"):
        channel.queue_bind(queue, name, key)
    answers = []
    for key in ("one", "two"):
        channel.queue_unbind(queue, name, key)
        answers.append(session.attempt(lambda channel: channel.exchange_declare(name, passive=True)))
    return answers


@scenario
def auto_delete_goes_with_its_last_queue(session):
    channel = session.channel()
    name = session.exchange(channel, "fanout", auto_delete=True)
    queue = session.queue(channel)
    channel.queue_bind(queue, name)
    channel.queue_delete(queue)
    return session.attempt(lambda channel: channel.exchange_declare(name, passive=True))


@scenario
def auto_delete_never_bound_stays(session):
    name = session.exchange(session.channel(), "fanout", auto_delete=True)
    return session.attempt(lambda channel: channel.exchange_declare(name, passive=True))


@scenario
def auto_delete_goes_through_a_chain(session):
    """The end of the last exchange ends the ones that were bound only to it."""
    channel = session.channel()
    names = [session.exchange(channel, "fanout", label, auto_delete=True) for label in ("first", "second", "third")]
    queue = session.queue(channel)
    channel.exchange_bind(names[1], names[0])
    channel.exchange_bind(names[2], names[1])
    channel.queue_bind(queue, names[2])
    channel.queue_delete(queue)
    return [session.attempt(lambda channel: channel.exchange_declare(name, passive=True)) for name in names]


@scenario
def internal_cannot_be_published_to(session):
    name = session.exchange(session.channel(), "direct", internal=True)
    return session.attempt(lambda channel: channel.basic_publish(name, "key", b""))


@scenario
def internal_routes_from_another_exchange(session):
    channel = session.channel()
    outer = session.exchange(channel, "fanout", "outer")
    inner = session.exchange(channel, "fanout", "inner", internal=True)
    queue = session.queue(channel)
    channel.exchange_bind(inner, outer)
    channel.queue_bind(queue, inner)
    return [session.publish(channel, outer, "key", "through"), session.get(channel, queue)]


@scenario
def name_of_255_bytes(session):
    channel = session.channel()
    name = session.exchange(channel, "direct", "n" * (255 - len(session.prefix)))
    return session.attempt(lambda channel: channel.exchange_declare(name, passive=True))
