"""queue.declare: which values of each argument are accepted, and how others are refused."""

from datetime import datetime, timezone
from decimal import Decimal

from pika.compat import long

from scenario import scenario


def declared_with(session, arguments, **options):
    """Each on a queue of its own name, deleted at once."""

    def declare(channel):
        channel.queue_declare(session.name("queue"), **{"durable": True, "arguments": arguments, **options})
        channel.queue_delete(session.name("queue"))

    return session.attempt(declare)


def register(name, key, *values, **others):
    """One scenario: what is answered to each value of that argument, beside the `others`."""

    def answers(session):
        table = {argument.replace("_", "-"): value for argument, value in others.items()}
        return [[repr(value), declared_with(session, {**table, key: value})] for value in values]

    answers.__name__ = name
    answers.__module__ = __name__
    scenario(answers)


# What every positive or non-negative number is tried with.
BAD_NUMBERS = (-1, long(-5), "10", True, None, Decimal("1.5"), [1], {"a": 1})

register("message_ttl", "x-message-ttl", 0, 1, 60000, long(86400000), 4294967295)
register("message_ttl_refused", "x-message-ttl", *BAD_NUMBERS)
register("message_ttl_too_large", "x-message-ttl", long(315360000001), long(2**53), long(2**63 - 1))
register("expires", "x-expires", 1, 60000, long(86400000), 4294967295)
register("expires_refused", "x-expires", 0, *BAD_NUMBERS)
register("expires_too_large", "x-expires", long(315360000001), long(2**63 - 1))
register("max_length", "x-max-length", 0, 1, 2**31 - 1, long(2**40))
register("max_length_refused", "x-max-length", *BAD_NUMBERS)
register("max_length_bytes", "x-max-length-bytes", 0, 1, 2**31 - 1, long(2**40))
register("max_length_bytes_refused", "x-max-length-bytes", *BAD_NUMBERS)
register("overflow", "x-overflow", "drop-head", "reject-publish", "reject-publish-dlx")
register("overflow_refused", "x-overflow", "drop-tail", "", 1, True, None)
register("dead_letter_exchange", "x-dead-letter-exchange", "", "amq.direct", "no.such.exchange")
register("dead_letter_exchange_refused", "x-dead-letter-exchange", 1, True, None, ["x"])
register("dead_letter_routing_key", "x-dead-letter-routing-key", "", "key", x_dead_letter_exchange="amq.direct")
register("dead_letter_routing_key_refused", "x-dead-letter-routing-key", 1, True, x_dead_letter_exchange="amq.direct")
register("dead_letter_routing_key_without_exchange", "x-dead-letter-routing-key", "key")
register("max_priority", "x-max-priority", 0, 1, 10, 255)
register("max_priority_refused", "x-max-priority", 256, long(1000), -1, "5", True, None, Decimal("1.5"))
register("single_active_consumer", "x-single-active-consumer", True, False)
register("single_active_consumer_refused", "x-single-active-consumer", 1, "true", None)
register("queue_mode", "x-queue-mode", "default", "lazy")
register("queue_mode_refused", "x-queue-mode", "other", 1, True)
register("queue_version", "x-queue-version", 1, 2)
register("queue_version_refused", "x-queue-version", 0, 3, "2", -1)
register("queue_type", "x-queue-type", "classic", "quorum")
register("queue_type_refused", "x-queue-type", "foo", "", "Quorum", 1, True)
register("leader_locator", "x-queue-leader-locator", "client-local", "balanced", x_queue_type="quorum")
register("leader_locator_refused", "x-queue-leader-locator", "elsewhere", 1, x_queue_type="quorum")
register("initial_group_size", "x-quorum-initial-group-size", 1, 3, x_queue_type="quorum")
register("initial_group_size_refused", "x-quorum-initial-group-size", 0, -1, "3", x_queue_type="quorum")
register("delivery_limit_of_quorum", "x-delivery-limit", 0, 5, long(100), x_queue_type="quorum")
register("delivery_limit_of_quorum_refused", "x-delivery-limit", "5", True, Decimal("1.5"), x_queue_type="quorum")
register("dead_letter_strategy", "x-dead-letter-strategy", "at-most-once", "at-least-once", x_queue_type="quorum")
register("dead_letter_strategy_refused", "x-dead-letter-strategy", "exactly-once", 1, x_queue_type="quorum")
register("max_in_memory", "x-max-in-memory-length", 0, 10, x_queue_type="quorum")
register(
    "unknown", "x-no-such-argument", 1, "text", True, None, [1], {"a": 1}, datetime(2024, 1, 1, tzinfo=timezone.utc)
)


@scenario
def several_at_once(session):
    table = {"x-message-ttl": 1000, "x-expires": 60000, "x-max-length": 5, "x-max-length-bytes": 100}
    more = {"x-overflow": "reject-publish", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "k"}
    return declared_with(session, {**table, **more, "x-max-priority": 3, "x-single-active-consumer": True})


@scenario
def of_other_queue_types(session):
    """Arguments that only other types know."""
    quorum = {
        "x-delivery-limit": 5,
        "x-quorum-initial-group-size": 1,
        "x-dead-letter-strategy": "at-most-once",
        "x-queue-leader-locator": "client-local",
    }
    stream = {"x-max-age": "1D", "x-stream-max-segment-size-bytes": 1000, "x-initial-cluster-size": 1}
    return {key: declared_with(session, {key: value}) for key, value in {**quorum, **stream}.items()}


@scenario
def of_classic_on_quorum(session):
    values = {
        "x-max-priority": 5,
        "x-queue-mode": "lazy",
        "x-queue-version": 2,
        "x-max-age": "1D",
        "x-overflow": "reject-publish-dlx",
        "x-single-active-consumer": True,
        "x-expires": 1000,
        "x-message-ttl": 1000,
        "x-max-length": 10,
        "x-max-length-bytes": 10,
    }
    return {key: declared_with(session, {"x-queue-type": "quorum", key: value}) for key, value in values.items()}


@scenario
def quorum_flags(session):
    table = {"x-queue-type": "quorum"}
    return {
        "durable": declared_with(session, table),
        "transient": declared_with(session, table, durable=False),
        "exclusive": declared_with(session, table, exclusive=True),
        "auto-delete": declared_with(session, table, auto_delete=True),
        "server-named": session.attempt(lambda channel: channel.queue_declare("", durable=True, arguments=table)),
    }


@scenario
def refused_declare_leaves_nothing(session):
    name = session.name("queue")
    refused = session.attempt(lambda channel: channel.queue_declare(name, arguments={"x-max-length": -1}))
    return [refused, session.attempt(lambda channel: channel.queue_declare(name, passive=True))]


@scenario
def order_of_refusals(session):
    """Which of several bad arguments is named."""
    return declared_with(session, {"x-max-length": -1, "x-expires": 0, "x-message-ttl": -1, "x-overflow": "no"})
