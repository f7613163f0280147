"""What the exchange types, the default exchange, alternate exchanges and CC/BCC route to."""

from scenario import scenario


class Table:
    """Queues bound to one exchange, and the labels of those that a message reaches."""

    def __init__(self, session, kind, **options):
        self.session = session
        self.channel = session.channel()
        self.exchange = session.exchange(self.channel, kind, "exchange", **options)
        self.queues = {}

    def bind(self, label, key="", arguments=None):
        if label not in self.queues:
            self.queues[label] = self.session.queue(self.channel, f"queue-{len(self.queues)}")
        self.channel.queue_bind(self.queues[label], self.exchange, key, arguments=arguments)
        return self

    def reached(self, key="", exchange=None, **properties):
        self.session.publish(self.channel, self.exchange if exchange is None else exchange, key, **properties)
        return self.labels()

    def labels(self):
        found = {label: len(self.session.take(self.channel, queue)) for label, queue in self.queues.items()}
        return sorted(label if count == 1 else f"{label} ({count})" for label, count in found.items() if count)


@scenario
def direct(session):
    table = Table(session, "direct")
    for label, key in (("a", "a"), ("a", "b"), ("b", "b"), ("empty", "")):
        table.bind(label, key)
    return {key: table.reached(key) for key in ("a", "b", "", "A", "c")}


@scenario
def fanout_ignores_keys(session):
    table = Table(session, "fanout").bind("a", "one").bind("b", "two").bind("c")
    return {key: table.reached(key) for key in ("one", "", "other")}


@scenario
def topic_single_words(session):
    table = Table(session, "topic")
    for pattern in ("*", "a.*", "*.b", "a.*.c", "*.*", "a.b", ""):
        table.bind(pattern, pattern)
    return {key: table.reached(key) for key in ("", "a", "a.b", "a.b.c", "a..c", ".", "b.b", "*", "a.b.c.d")}


@scenario
def topic_any_words(session):
    table = Table(session, "topic")
    for pattern in ("#", "a.#", "#.c", "a.#.c", "#.b.#", "a.#.#"):
        table.bind(pattern, pattern)
    return {key: table.reached(key) for key in ("", "a", "a.c", "a.b.c", "c", "b", "x.b.y", "a.a.c.c")}


@scenario
def topic_mixed_patterns(session):
    table = Table(session, "topic")
    for pattern in ("*.#", "#.*", "*.#.*", "#.a.*", "a.*.#.b", "#.#"):
        table.bind(pattern, pattern)
    return {key: table.reached(key) for key in ("", "a", "a.b", "a.x.b", "x.a.y", "a.x.y.b", "a.a")}


@scenario
def topic_words_are_whole(session):
    """A star or hash inside a word means itself, and letters' case matters."""
    table = Table(session, "topic")
    for pattern in ("a*", "a#.b", "Quick.*", "quick.*"):
        table.bind(pattern, pattern)
    return {key: table.reached(key) for key in ("a*", "ab", "a#.b", "ax.b", "quick.fox", "Quick.fox")}


@scenario
def topic_unbound_pattern(session):
    table = Table(session, "topic").bind("q", "a.#").bind("q", "a.*").bind("other", "a.#")
    answers = [table.reached("a.b")]
    table.channel.queue_unbind(table.queues["q"], table.exchange, "a.#")
    answers += [table.reached("a.b"), table.reached("a.b.c")]
    table.channel.queue_unbind(table.queues["q"], table.exchange, "a.*")
    return answers + [table.reached("a.b")]


def headers_table(session, bindings):
    table = Table(session, "headers")
    for label, arguments in bindings.items():
        table.bind(label, "", arguments)
    return table


@scenario
def headers_all_and_any(session):
    pair = {"a": "1", "b": "2"}
    modes = {mode: {"x-match": mode, **pair} for mode in ("all", "any")}
    table = headers_table(session, {**modes, "no mode": pair})
    cases = {
        "both": pair,
        "a": {"a": "1"},
        "wrong b": {"a": "1", "b": "3"},
        "none": {"c": "3"},
        "more": {**pair, "c": "3"},
    }
    return {case: table.reached(headers=headers) for case, headers in cases.items()}


@scenario
def headers_without_any(session):
    """A binding without headers to compare, and a message without a header table."""
    table = headers_table(session, {"all": {"x-match": "all"}, "any": {"x-match": "any"}, "none": {}})
    return [table.reached(headers={"a": "1"}), table.reached(headers={}), table.reached()]


@scenario
def headers_x_names(session):
    """Names that begin with x- count only in the -with-x modes."""
    pair = {"x-colour": "red", "size": "1"}
    table = headers_table(session, {mode: {"x-match": mode, **pair} for mode in ("all", "any")})
    return [table.reached(headers=headers) for headers in ({"size": "1"}, {"x-colour": "red"}, pair)]


@scenario
def headers_with_x_modes(session):
    pair = {"x-colour": "red", "size": "1"}
    modes = ("all-with-x", "any-with-x")
    table = headers_table(session, {mode: {"x-match": mode, **pair} for mode in modes})
    return [table.reached(headers=headers) for headers in ({"size": "1"}, {"x-colour": "red"}, pair)]


@scenario
def headers_presence(session):
    """A void value asks only for the header's presence."""
    table = headers_table(session, {"present": {"x-match": "all", "a": None}})
    return [table.reached(headers=headers) for headers in ({"a": "1"}, {"a": 5}, {"a": None}, {"b": "1"})]


@scenario
def headers_value_types(session):
    table = headers_table(session, {"text": {"a": "1"}, "number": {"a": 1}, "true": {"a": True}, "list": {"a": [1]}})
    return {repr(value): table.reached(headers={"a": value}) for value in ("1", 1, True, [1], 1 << 40)}


@scenario
def headers_ignores_routing_keys(session):
    table = Table(session, "headers").bind("q", "key", {"a": "1"})
    return [table.reached("other", headers={"a": "1"}), table.reached("key")]


@scenario
def headers_bad_match_mode(session):
    channel = session.channel()
    exchange, queue = session.exchange(channel, "headers"), session.queue(channel)

    def bind(value):
        return session.attempt(lambda channel: channel.queue_bind(queue, exchange, "", arguments={"x-match": value}))

    return [bind("some"), bind(1), bind(None)]


@scenario
def default_exchange_routes_by_queue_name(session):
    table = Table(session, "direct").bind("a").bind("b")
    return [table.reached(table.queues["a"], exchange=""), table.reached("no such queue", exchange="")]


@scenario
def amq_exchanges_route(session):
    channel = session.channel()
    queue = session.queue(channel)
    key = session.name("key")
    channel.queue_bind(queue, "amq.direct", key)
    channel.queue_bind(queue, "amq.topic", f"{key}.*")
    for headers_exchange in ("amq.headers", "amq.match"):
        channel.queue_bind(queue, headers_exchange, "", arguments={"name": key})
    session.publish(channel, "amq.direct", key, "direct")
    session.publish(channel, "amq.topic", f"{key}.word", "topic")
    session.publish(channel, "amq.headers", "", "headers", headers={"name": key})
    session.publish(channel, "amq.match", "", "match", headers={"name": key})
    return session.take(channel, queue)


@scenario
def missing_exchange(session):
    return session.attempt(lambda channel: channel.basic_publish(session.name("missing"), "key", b""))


@scenario
def missing_exchange_with_confirms(session):
    def publish(channel):
        channel.confirm_delivery()
        channel.basic_publish(session.name("missing"), "key", b"", mandatory=True)

    return session.attempt(publish)


@scenario
def alternate_takes_what_is_not_routed(session):
    channel = session.channel()
    alternate = session.exchange(channel, "fanout", "alternate")
    exchange = session.exchange(channel, "direct", arguments={"alternate-exchange": alternate})
    queue, rest = session.queue(channel), session.queue(channel, "rest")
    channel.queue_bind(queue, exchange, "key")
    channel.queue_bind(rest, alternate)
    answers = [session.publish(channel, exchange, key, key, mandatory=True) for key in ("key", "other")]
    return [answers, session.take(channel, queue), session.get(channel, rest)]


@scenario
def alternate_that_does_not_route_either(session):
    channel = session.channel()
    alternate = session.exchange(channel, "direct", "alternate")
    exchange = session.exchange(channel, "direct", arguments={"alternate-exchange": alternate})
    return [session.publish(channel, exchange, "key", mandatory=mandatory) for mandatory in (True, False)]


@scenario
def alternate_that_is_missing(session):
    channel = session.channel()
    exchange = session.exchange(channel, "direct", arguments={"alternate-exchange": session.name("missing")})
    return [session.publish(channel, exchange, "key", mandatory=mandatory) for mandatory in (True, False)]


@scenario
def alternates_in_a_chain(session):
    channel = session.channel()
    last = session.exchange(channel, "fanout", "last")
    middle = session.exchange(channel, "direct", "middle", arguments={"alternate-exchange": last})
    first = session.exchange(channel, "direct", "first", arguments={"alternate-exchange": middle})
    queue = session.queue(channel)
    channel.queue_bind(queue, last)
    return [session.publish(channel, first, "key", mandatory=True), session.get(channel, queue)]


@scenario
def alternates_in_a_ring(session):
    channel = session.channel()
    names = session.name("first"), session.name("second")
    session.exchange(channel, "direct", "first", arguments={"alternate-exchange": names[1]})
    session.exchange(channel, "direct", "second", arguments={"alternate-exchange": names[0]})
    return session.publish(channel, names[0], "key", mandatory=True)


@scenario
def alternate_is_asked_behind_an_exchange_binding(session):
    """Of the exchange behind a binding too."""
    channel = session.channel()
    alternate = session.exchange(channel, "fanout", "alternate")
    inner = session.exchange(channel, "direct", "inner", arguments={"alternate-exchange": alternate})
    outer = session.exchange(channel, "fanout", "outer")
    channel.exchange_bind(inner, outer)
    queue = session.queue(channel)
    channel.queue_bind(queue, alternate)
    return [session.publish(channel, outer, "key", mandatory=True), session.take(channel, queue)]


@scenario
def internal_alternate(session):
    channel = session.channel()
    alternate = session.exchange(channel, "fanout", "alternate", internal=True)
    exchange = session.exchange(channel, "direct", arguments={"alternate-exchange": alternate})
    queue = session.queue(channel)
    channel.queue_bind(queue, alternate)
    return [session.publish(channel, exchange, "key", mandatory=True), session.take(channel, queue)]


@scenario
def carbon_copies(session):
    table = Table(session, "direct").bind("a", "a").bind("b", "b").bind("c", "c")
    return {
        "CC": table.reached("a", headers={"CC": ["b", "c"]}),
        "BCC": table.reached("a", headers={"BCC": ["b"]}),
        "both": table.reached("none", headers={"CC": ["a"], "BCC": ["c"]}),
        "same key": table.reached("a", headers={"CC": ["a", "a"]}),
    }


@scenario
def carbon_copies_of_the_default_exchange(session):
    channel = session.channel()
    first, second = session.queue(channel, "first"), session.queue(channel, "second")
    session.publish(channel, "", first, "copied", headers={"CC": [second], "own": 1})
    return [session.get(channel, queue) for queue in (first, second)]


@scenario
def blind_carbon_copies_are_hidden(session):
    channel = session.channel()
    first, second = session.queue(channel, "first"), session.queue(channel, "second")
    session.publish(channel, "", first, "copied", headers={"BCC": [second], "own": 1})
    return [session.get(channel, queue) for queue in (first, second)]


@scenario
def carbon_copies_by_topic(session):
    table = Table(session, "topic").bind("a.#", "a.#").bind("*.b", "*.b")
    return [table.reached("x", headers={"CC": ["a.y"]}), table.reached("a.b", headers={"CC": ["c.b"]})]


@scenario
def carbon_copies_alone_are_routed(session):
    """A mandatory message that only a copy's key routes is not returned."""
    channel = session.channel()
    queue = session.queue(channel)
    return session.publish(channel, "", "no such queue", mandatory=True, headers={"CC": [queue]})


@scenario
def carbon_copies_of_wrong_type(session):
    def publish(headers):
        import pika

        properties = pika.BasicProperties(headers=headers)
        return session.attempt(lambda channel: channel.basic_publish("", "key", b"", properties))

    return [publish({"CC": "key"}), publish({"BCC": 1}), publish({"CC": [1]}), publish({"CC": []})]
