"""tx: what becomes visible when, and what is refused."""

from pika import spec

from scenario import scenario


def transaction(session):
    channel = session.connection.channel()
    channel.tx_select()
    return channel


@scenario
def select_and_commit_nothing(session):
    def run(channel):
        names = [channel.tx_select().method.NAME, channel.tx_commit().method.NAME, channel.tx_rollback().method.NAME]
        return names

    return session.attempt(run)


@scenario
def select_twice(session):
    def run(channel):
        channel.tx_select()
        channel.tx_select()

    return session.attempt(run)


@scenario
def without_select(session):
    return [
        session.attempt(lambda channel: channel.tx_commit()),
        session.attempt(lambda channel: channel.tx_rollback()),
    ]


@scenario
def after_confirm_select(session):
    def run(channel):
        channel.confirm_delivery()
        channel.tx_select()

    return session.attempt(run)


@scenario
def confirm_select_after_it(session):
    def run(channel):
        channel.tx_select()
        channel._impl._send_method(spec.Confirm.Select())

    return session.attempt(run)


@scenario
def published_is_visible_after_commit(session):
    channel, other = transaction(session), session.channel()
    queue = session.queue(other)
    for number in range(3):
        session.publish(channel, "", queue, str(number))
    session.settle(channel)
    before = session.count(other, queue)
    channel.tx_commit()
    return [before, session.count(other, queue), session.take(other, queue)]


@scenario
def published_is_gone_after_rollback(session):
    channel, other = transaction(session), session.channel()
    queue = session.queue(other)
    session.publish(channel, "", queue, "rolled back")
    channel.tx_rollback()
    session.publish(channel, "", queue, "committed")
    channel.tx_commit()
    return session.take(other, queue)


@scenario
def published_is_gone_with_the_channel(session):
    channel, other = transaction(session), session.channel()
    queue = session.queue(other)
    session.publish(channel, "", queue, "never committed")
    channel.close()
    return session.count(other, queue)


@scenario
def ack_counts_after_commit(session):
    channel = transaction(session)
    queue = session.queue(channel)
    session.publish_each(session.channel(), queue, ["1", "2"])
    channel.basic_ack(session.fetch(channel, queue))
    channel.tx_commit()
    second = session.fetch(channel, queue)
    channel.basic_ack(second)
    channel.close()
    other = session.channel()
    return [session.arrived(other, queue), session.count(other, queue)]


@scenario
def ack_is_undone_by_rollback(session):
    """The message stays unacked: it can be acked again."""
    channel = transaction(session)
    queue = session.queue(channel)
    session.publish(session.channel(), "", queue, "1")
    tag = session.fetch(channel, queue)
    channel.basic_ack(tag)
    channel.tx_rollback()
    again = session.attempt(lambda _: channel.basic_ack(tag), channel=channel)
    channel.tx_commit()
    channel.close()
    return [again, session.count(session.channel(), queue)]


@scenario
def requeue_waits_for_commit(session):
    channel = transaction(session)
    queue = session.queue(channel)
    session.publish(session.channel(), "", queue, "1")
    channel.basic_reject(session.fetch(channel, queue), requeue=True)
    session.settle(channel)
    before = session.count(channel, queue)
    channel.tx_commit()
    return [before, session.wait_count(channel, queue, 1), session.get(channel, queue)]


@scenario
def multiple_ack(session):
    channel = transaction(session)
    queue = session.queue(channel)
    session.publish_each(session.channel(), queue, ["1", "2", "3"])
    tags = [session.fetch(channel, queue) for _ in range(3)]
    channel.basic_ack(tags[1], multiple=True)
    channel.tx_commit()
    channel.close()
    return session.take(session.channel(), queue, 1)


@scenario
def unknown_delivery_tag(session):
    def run(channel):
        channel.tx_select()
        channel.basic_ack(99)

    return session.attempt(run)


@scenario
def acked_twice(session):
    channel = transaction(session)
    queue = session.queue(channel)
    session.publish(session.channel(), "", queue, "1")
    tag = session.fetch(channel, queue)
    channel.basic_ack(tag)
    return session.attempt(lambda _: channel.basic_ack(tag), channel=channel)


@scenario
def mandatory_is_returned_at_commit(session):
    channel = transaction(session)
    events = []
    channel._impl.add_on_return_callback(lambda _, method, properties, body: events.append(body))
    session.publish(channel, "", session.name("missing"), "unroutable", mandatory=True)
    session.settle(channel)
    session.settle(channel)
    before = list(events)
    channel.tx_commit()
    after = list(events)
    return [before, after]


@scenario
def missing_exchange_is_refused_at_once(session):
    def run(channel):
        channel.tx_select()
        channel.basic_publish(session.name("missing"), "key", b"")

    return session.attempt(run)


@scenario
def nothing_of_a_refused_transaction_counts(session):
    channel, other = transaction(session), session.channel()
    queue = session.queue(other)
    session.publish(channel, "", queue, "not committed")
    refused = session.attempt(lambda _: channel.basic_publish(session.name("missing"), "", b""), channel=channel)
    return [refused, session.count(other, queue)]


@scenario
def full_queue_refuses_the_commit(session):
    other = session.channel()
    queue = session.queue(other, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    channel = transaction(session)
    for number in range(3):
        session.publish(channel, "", queue, str(number))
    committed = session.attempt(lambda _: channel.tx_commit(), channel=channel)
    return [committed, session.take(session.channel(), queue)]


@scenario
def get_and_publish_together(session):
    """A message moved from queue to queue."""
    channel = transaction(session)
    source, target = session.queue(channel, "source"), session.queue(channel, "target")
    session.publish(session.channel(), "", source, "moved")
    method, _, body = channel.basic_get(source)
    session.publish(channel, "", target, body)
    channel.basic_ack(method.delivery_tag)
    channel.tx_commit()
    return [session.count(channel, source), session.take(channel, target)]


@scenario
def persistent_to_a_durable_queue(session):
    channel = transaction(session)
    queue = session.durable_queue(channel)
    session.publish(channel, "", queue, "kept", delivery_mode=2)
    channel.tx_commit()
    return session.take(channel, queue)
