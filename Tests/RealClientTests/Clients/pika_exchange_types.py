"""pika: which queues a message reaches through each exchange type, and through bound exchanges."""

from common import expect_equal, run, unique_name
from common_pika import Session, declare_exclusive_queue, queues_reached


def publish_and_collect(channel, exchange, queues, routing_key):
    channel.basic_publish(exchange, routing_key, b"message")
    return queues_reached(channel, queues)


def test_default_exchange(session):
    channel = session.confirming_channel()
    queues = {label: declare_exclusive_queue(channel, label) for label in ("first", "second")}
    expect_equal(publish_and_collect(channel, "", queues, queues["second"]), {"second"}, "default exchange")
    expect_equal(publish_and_collect(channel, "", queues, unique_name("nobody")), set(), "default exchange, no queue")


def test_direct_exchange(session):
    channel = session.confirming_channel()
    exchange = session.declare_exchange(channel, "direct")
    queues = {label: declare_exclusive_queue(channel, label) for label in ("red", "green", "red_and_green")}
    for label, key in (("red", "red"), ("green", "green"), ("red_and_green", "red"), ("red_and_green", "green")):
        channel.queue_bind(queues[label], exchange, key)
    expect_equal(publish_and_collect(channel, exchange, queues, "red"), {"red", "red_and_green"}, "direct, red")
    expect_equal(publish_and_collect(channel, exchange, queues, "green"), {"green", "red_and_green"}, "direct, green")
    expect_equal(publish_and_collect(channel, exchange, queues, "re"), set(), "direct, prefix of a key")
    channel.queue_unbind(queues["red_and_green"], exchange, "red")
    expect_equal(publish_and_collect(channel, exchange, queues, "red"), {"red"}, "direct, red after unbind")


def test_fanout_exchange(session):
    channel = session.confirming_channel()
    exchange = session.declare_exchange(channel, "fanout")
    queues = {label: declare_exclusive_queue(channel, label) for label in ("first", "second", "unbound")}
    channel.queue_bind(queues["first"], exchange, "ignored")
    # Bound twice with different keys, a queue still gets one copy.
    channel.queue_bind(queues["second"], exchange, "one")
    channel.queue_bind(queues["second"], exchange, "two")
    expect_equal(publish_and_collect(channel, exchange, queues, "any"), {"first", "second"}, "fanout")


TOPIC_MATCHES = {
    # routing key: binding keys which match it
    "stock.usd.nyse": {"#", "stock.#", "stock.*.nyse", "#.nyse", "*.usd.*", "stock.usd.nyse", "stock.#.nyse"},
    "stock.nyse": {"#", "stock.#", "#.nyse", "stock.#.nyse", "*.nyse"},
    "stock": {"#", "stock.#", "*"},
    "stock.a.b.nyse": {"#", "stock.#", "#.nyse", "stock.#.nyse"},
    "bond.usd.lse": {"#", "*.usd.*"},
    "": {"#"},
    "stock..nyse": {"#", "stock.#", "stock.*.nyse", "#.nyse", "stock.#.nyse"},
}


def test_topic_exchange(session):
    channel = session.confirming_channel()
    exchange = session.declare_exchange(channel, "topic")
    queues = {}
    for pattern in set().union(*TOPIC_MATCHES.values()):
        queues[pattern] = declare_exclusive_queue(channel)
        channel.queue_bind(queues[pattern], exchange, pattern)
    for routing_key, matching in TOPIC_MATCHES.items():
        actual = publish_and_collect(channel, exchange, queues, routing_key)
        expect_equal(actual, matching, f"topic, routing key '{routing_key}'")


def test_exchange_to_exchange_binding(session):
    channel = session.confirming_channel()
    source = session.declare_exchange(channel, "topic")
    middle = session.declare_exchange(channel, "direct")
    queues = {label: declare_exclusive_queue(channel, label) for label in ("behind", "beside")}
    channel.exchange_bind(middle, source, "a.#")
    # A cycle must not multiply or hang the message.
    channel.exchange_bind(source, middle, "a.b")
    channel.queue_bind(queues["behind"], middle, "a.b")
    # Reached over two ways, a queue still gets one copy.
    channel.queue_bind(queues["behind"], source, "a.b")
    channel.queue_bind(queues["beside"], source, "a.*")
    expect_equal(publish_and_collect(channel, source, queues, "a.b"), {"behind", "beside"}, "exchange to exchange")
    expect_equal(publish_and_collect(channel, source, queues, "a.c"), {"beside"}, "exchange to exchange, other key")
    channel.exchange_unbind(middle, source, "a.#")
    channel.queue_unbind(queues["behind"], source, "a.b")
    expect_equal(publish_and_collect(channel, source, queues, "a.b"), {"beside"}, "after exchange unbind")


def test_publish_and_subscribe(session):
    """The other tests get; here a consumer on its own connection is pushed to."""
    subscriber = session.connect().channel()
    publisher = session.confirming_channel()
    exchange = session.declare_exchange(publisher, "fanout")
    queue = declare_exclusive_queue(subscriber)
    subscriber.queue_bind(queue, exchange)
    bodies = [f"message {number}".encode() for number in range(100)]
    for body in bodies:
        publisher.basic_publish(exchange, "key", body)
    received = []
    for method, _, body in subscriber.consume(queue, inactivity_timeout=5):
        if method is None:
            break
        actual = (method.delivery_tag, method.redelivered, method.exchange, method.routing_key)
        expect_equal(actual, (len(received) + 1, False, exchange, "key"), "basic.deliver")
        subscriber.basic_ack(method.delivery_tag)
        received.append(body)
        if len(received) == len(bodies):
            break
    expect_equal(received, bodies, "bodies in order")


def test(arguments):
    with Session(arguments) as session:
        test_default_exchange(session)
        test_direct_exchange(session)
        test_fanout_exchange(session)
        test_topic_exchange(session)
        test_exchange_to_exchange_binding(session)
        test_publish_and_subscribe(session)
    return "default, direct, fanout, topic exchanges, exchange-to-exchange bindings and a subscriber"


if __name__ == "__main__":
    run(test)
