"""pika: code and complete text of each refusal which closes the channel and leaves the connection open."""

from common import expect, expect_equal, run, unique_name
from common_pika import Session, declare_exclusive_queue, expect_channel_closed, expect_connection_closed

LOCKED = (
    "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{}' in vhost '/'. It could be originally "
    "declared on another connection or the exclusive property value does not match that of the original declaration."
)


def test_not_found(connection):
    queue, exchange = unique_name("missing"), unique_name("missing")
    no_queue = f"NOT_FOUND - no queue '{queue}' in vhost '/'"
    no_exchange = f"NOT_FOUND - no exchange '{exchange}' in vhost '/'"
    for action in (
        lambda channel: channel.queue_declare(queue, passive=True),
        lambda channel: channel.basic_consume(queue, print),
        lambda channel: channel.basic_get(queue),
        lambda channel: channel.queue_purge(queue),
        lambda channel: channel.queue_bind(queue, "amq.fanout"),
    ):
        expect_channel_closed(connection, action, 404, no_queue)
    for action in (
        lambda channel: channel.exchange_declare(exchange, passive=True),
        lambda channel: channel.basic_publish(exchange, "key", b"message"),
        lambda channel: channel.queue_bind(declare_exclusive_queue(channel), exchange),
        lambda channel: channel.exchange_bind("amq.fanout", exchange),
    ):
        expect_channel_closed(connection, action, 404, no_exchange)
    # A reply text is a short string: RabbitMQ cuts it at 255 characters and ends it with dots.
    long_name = "n" * 250
    cut_text = f"NOT_FOUND - no queue '{long_name}"[:252] + "..."
    expect_channel_closed(connection, lambda channel: channel.queue_declare(long_name, passive=True), 404, cut_text)


def test_inequivalent_queue(session, connection):
    queue = session.declare_shared_queue(connection.channel(), "args", arguments={"x-max-length": 10})
    prefix = "PRECONDITION_FAILED - inequivalent arg"
    for options, argument, difference in (
        ({"durable": False, "arguments": {"x-max-length": 10}}, "durable", "received 'false' but current is 'true'"),
        (
            {"durable": True, "auto_delete": True, "arguments": {"x-max-length": 10}},
            "auto_delete",
            "received 'true' but current is 'false'",
        ),
        ({"durable": True, "arguments": {"x-max-length": 20}}, "x-max-length", "received '20' but current is '10'"),
        ({"durable": True}, "x-max-length", "received none but current is the value '10' of type 'signedint'"),
        (
            {"durable": True, "arguments": {"x-max-length": 10, "x-overflow": "drop-head"}},
            "x-overflow",
            "received the value 'drop-head' of type 'longstr' but current is none",
        ),
    ):
        text = f"{prefix} '{argument}' for queue '{queue}' in vhost '/': {difference}"
        expect_channel_closed(connection, lambda channel: channel.queue_declare(queue, **options), 406, text)
    channel = connection.channel()
    # Equivalent declarations are fine: the same value in a wider integer, unknown arguments, and passive ones.
    channel.queue_declare(queue, durable=True, arguments={"x-max-length": 10, "x-unknown": "ignored"})
    channel.queue_declare(queue, passive=True)


def test_inequivalent_exchange(session, connection):
    exchange = session.declare_exchange(connection.channel(), "topic", arguments={"alternate-exchange": "amq.fanout"})
    prefix = "PRECONDITION_FAILED - inequivalent arg"
    alternate = {"arguments": {"alternate-exchange": "amq.fanout"}}
    for options, argument, difference in (
        ({"exchange_type": "fanout", **alternate}, "type", "received 'fanout' but current is 'topic'"),
        ({"exchange_type": "topic", "durable": True, **alternate}, "durable", "received 'true' but current is 'false'"),
        (
            {"exchange_type": "topic", "auto_delete": True, **alternate},
            "auto_delete",
            "received 'true' but current is 'false'",
        ),
        (
            {"exchange_type": "topic", "internal": True, **alternate},
            "internal",
            "received 'true' but current is 'false'",
        ),
        (
            {"exchange_type": "topic"},
            "alternate-exchange",
            "received none but current is the value 'amq.fanout' of type 'longstr'",
        ),
    ):
        text = f"{prefix} '{argument}' for exchange '{exchange}' in vhost '/': {difference}"
        expect_channel_closed(connection, lambda channel: channel.exchange_declare(exchange, **options), 406, text)


def test_locked_queue(session, connection):
    queue = declare_exclusive_queue(session.connect().channel())
    for action in (
        lambda channel: channel.queue_declare(queue, passive=True),
        lambda channel: channel.queue_declare(queue, exclusive=True),
        lambda channel: channel.basic_consume(queue, print),
        lambda channel: channel.basic_get(queue),
        lambda channel: channel.queue_bind(queue, "amq.fanout"),
        lambda channel: channel.queue_purge(queue),
        lambda channel: channel.queue_delete(queue),
    ):
        expect_channel_closed(connection, action, 405, LOCKED.format(queue))
    shared = session.declare_shared_queue(connection.channel(), "shared")
    expect_channel_closed(
        connection,
        lambda channel: channel.queue_declare(shared, durable=True, exclusive=True),
        405,
        LOCKED.format(shared),
    )


def test_exclusive_consumer(session, connection):
    owner = connection.channel()
    queue = session.declare_shared_queue(owner, "consumed")
    text = f"ACCESS_REFUSED - queue '{queue}' in vhost '/' in exclusive use"
    consumer_tag = owner.basic_consume(queue, print, exclusive=True)
    expect_channel_closed(connection, lambda channel: channel.basic_consume(queue, print), 403, text)
    owner.basic_cancel(consumer_tag)
    owner.basic_consume(queue, print)
    expect_channel_closed(connection, lambda channel: channel.basic_consume(queue, print, exclusive=True), 403, text)
    expect(owner.is_open, "the channel of the first consumer was closed")


def test_delivery_tags(connection):
    def acknowledge_twice(channel):
        queue = declare_exclusive_queue(channel)
        channel.basic_publish("", queue, b"message")
        tag = channel.basic_get(queue)[0].delivery_tag
        expect_equal(tag, 1, "the first delivery tag")
        channel.basic_ack(tag)
        channel.basic_ack(tag)

    unknown = "PRECONDITION_FAILED - unknown delivery tag {}"
    expect_channel_closed(connection, lambda channel: channel.basic_ack(7), 406, unknown.format(7))
    expect_channel_closed(connection, lambda channel: channel.basic_nack(7), 406, unknown.format(7))
    expect_channel_closed(connection, lambda channel: channel.basic_reject(7), 406, unknown.format(7))
    expect_channel_closed(connection, acknowledge_twice, 406, unknown.format(1))


def test_reserved_names(connection):
    name = "amq." + unique_name("reserved")
    reserved = "ACCESS_REFUSED - {} name '{}' contains reserved prefix 'amq.*'"
    expect_channel_closed(connection, lambda channel: channel.queue_declare(name), 403, reserved.format("queue", name))
    expect_channel_closed(
        connection, lambda channel: channel.exchange_declare(name), 403, reserved.format("exchange", name)
    )
    default_exchange = "ACCESS_REFUSED - operation not permitted on the default exchange"
    for action in (
        lambda channel: channel.queue_bind(declare_exclusive_queue(channel), "", "key"),
        lambda channel: channel.exchange_delete(""),
    ):
        expect_channel_closed(connection, action, 403, default_exchange)
    expect_channel_closed(
        connection,
        lambda channel: channel.exchange_delete("amq.direct"),
        403,
        "ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed",
    )


def test_unknown_exchange_type(session, connection):
    name = unique_name("exchange")
    text = "unknown exchange type 'x-unheard-of'"

    def declare(channel):
        channel.exchange_declare(name, "x-unheard-of")

    if session.arguments.reference:
        # RabbitMQ 3.10 closes the connection with 503; since 4.x it is the channel with 406.
        expect_connection_closed(session, declare, 503, f"COMMAND_INVALID - {text}")
    else:
        expect_channel_closed(connection, declare, 406, f"PRECONDITION_FAILED - {text}")


def test(arguments):
    with Session(arguments) as session:
        connection = session.connect()
        test_not_found(connection)
        test_inequivalent_queue(session, connection)
        test_inequivalent_exchange(session, connection)
        test_locked_queue(session, connection)
        test_exclusive_consumer(session, connection)
        test_delivery_tags(connection)
        test_reserved_names(connection)
        test_unknown_exchange_type(session, connection)
    return "codes and texts of 403, 404, 405 and 406 as RabbitMQ 4.x gives them"


if __name__ == "__main__":
    run(test)
