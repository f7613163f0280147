"""Dead-lettering: every reason, the tables in x-death, cycles, copies, and what is dropped."""

import pika

from scenario import dead_letters, scenario


class Dying:
    """A source queue that dead-letters to `target` through the default exchange unless told."""

    def __init__(self, session, source_arguments=None, **arguments):
        self.session = session
        self.channel = session.channel()
        self.target = session.queue(self.channel, "target")
        table = dead_letters(**{"key": self.target, **arguments})
        self.source = session.queue(self.channel, "source", arguments={**table, **(source_arguments or {})})

    def publish(self, body="message", **properties):
        return self.session.publish(self.channel, "", self.source, body, **properties)

    def reject(self, queue=None, requeue=False):
        self.channel.basic_reject(self.session.fetch(self.channel, queue or self.source), requeue=requeue)

    def arrived(self, **options):
        return self.session.arrived(self.channel, self.target, **options)


@scenario
def rejected(session):
    dying = Dying(session)
    dying.publish(headers={"own": "header"}, message_id="m", content_type="text/plain", delivery_mode=2, priority=4)
    dying.reject()
    return dying.arrived()


@scenario
def nacked(session):
    dying = Dying(session)
    for body in ("1", "2"):
        dying.publish(body)
    tags = [session.fetch(dying.channel, dying.source) for _ in range(2)]
    dying.channel.basic_nack(tags[1], multiple=True, requeue=False)
    return [dying.arrived(), dying.arrived()]


@scenario
def expired_by_queue(session):
    dying = Dying(session, message_ttl=20)
    dying.publish()
    return dying.arrived()


@scenario
def expired_by_message(session):
    """The property moves into x-death, so that the message does not expire again."""
    dying = Dying(session)
    dying.publish(expiration="20")
    return dying.arrived()


@scenario
def expired_by_both(session):
    dying = Dying(session, message_ttl=20)
    dying.publish(expiration="60000")
    return dying.arrived()


@scenario
def rejected_with_an_expiration(session):
    dying = Dying(session)
    dying.publish(expiration="60000")
    dying.reject()
    return dying.arrived()


@scenario
def over_max_length(session):
    dying = Dying(session, max_length=1)
    dying.publish("old")
    dying.publish("new")
    return [dying.arrived(), session.take(dying.channel, dying.source)]


@scenario
def over_max_length_bytes(session):
    dying = Dying(session, max_length_bytes=5)
    dying.publish("four")
    dying.publish("more")
    return [dying.arrived(), session.take(dying.channel, dying.source)]


@scenario
def refused_publish(session):
    dying = Dying(session, max_length=1, overflow="reject-publish-dlx")
    answers = [dying.publish("first"), dying.publish("second")]
    return [answers, dying.arrived(), session.take(dying.channel, dying.source)]


@scenario
def refused_publish_without_dlx_mode(session):
    dying = Dying(session, max_length=1, overflow="reject-publish")
    answers = [dying.publish("first"), dying.publish("second")]
    session.pause(dying.channel)
    return [answers, session.take(dying.channel, dying.target)]


@scenario
def last_death_headers(session):
    """4.x only."""
    dying = Dying(session)
    dying.publish(headers={"own": 1})
    dying.reject()
    return dying.arrived(last_death=True)


@scenario
def last_death_headers_change(session):
    channel = session.channel()
    last = session.queue(channel, "last")
    middle = session.queue(channel, "middle", arguments=dead_letters(key=last, message_ttl=20))
    first = session.queue(channel, "first", arguments=dead_letters(key=middle))
    session.publish(channel, "", first)
    channel.basic_reject(session.fetch(channel, first), requeue=False)
    return session.arrived(channel, last, last_death=True)


@scenario
def own_routing_key_is_kept(session):
    """Without x-dead-letter-routing-key the message keeps its keys."""
    channel = session.channel()
    source_exchange, dead = session.exchange(channel, "direct", "exchange"), session.exchange(channel, "direct", "dead")
    source = session.queue(channel, "source", arguments=dead_letters(exchange=dead))
    target = session.queue(channel, "target")
    channel.queue_bind(source, source_exchange, "key")
    channel.queue_bind(target, dead, "key")
    session.publish(channel, source_exchange, "key")
    channel.basic_reject(session.fetch(channel, source), requeue=False)
    return session.arrived(channel, target)


@scenario
def to_several_queues(session):
    channel = session.channel()
    dead = session.exchange(channel, "fanout", "dead")
    source = session.queue(channel, "source", arguments=dead_letters(exchange=dead))
    targets = [session.queue(channel, f"target-{number}") for number in range(3)]
    for target in targets:
        channel.queue_bind(target, dead)
    session.publish(channel, "", source)
    channel.basic_reject(session.fetch(channel, source), requeue=False)
    return [session.arrived(channel, target) for target in targets]


@scenario
def through_a_topic_exchange(session):
    channel = session.channel()
    dead = session.exchange(channel, "topic", "dead")
    source = session.queue(channel, "source", arguments=dead_letters(exchange=dead, key="dead.letters"))
    target = session.queue(channel, "target")
    channel.queue_bind(target, dead, "dead.*")
    session.publish(channel, "", source)
    channel.basic_reject(session.fetch(channel, source), requeue=False)
    return session.arrived(channel, target)


@scenario
def headers_exchange_sees_death_headers(session):
    channel = session.channel()
    dead = session.exchange(channel, "headers", "dead")
    source = session.queue(channel, "source", arguments=dead_letters(exchange=dead))
    target = session.queue(channel, "target")
    match = {"x-match": "all-with-x", "x-first-death-reason": "rejected"}
    channel.queue_bind(target, dead, "", arguments=match)
    session.publish(channel, "", source)
    channel.basic_reject(session.fetch(channel, source), requeue=False)
    session.pause(channel)
    return session.take(channel, target)


@scenario
def with_copies(session):
    """CC is part of routing-keys and stays; BCC is not."""
    dying = Dying(session)
    dying.publish(headers={"CC": ["copy"], "BCC": ["blind"]})
    dying.reject()
    return dying.arrived()


@scenario
def with_copies_and_own_key(session):
    """Without a new key the copies are routed again; with one CC is not used."""
    channel = session.channel()
    dead = session.exchange(channel, "direct", "dead")
    targets = {key: session.queue(channel, f"target-{key}") for key in ("copy", "blind", "source", "new")}
    for key, target in targets.items():
        channel.queue_bind(target, dead, key)
    answers = []
    for label, table in (("keeps", dead_letters(exchange=dead)), ("new", dead_letters(exchange=dead, key="new"))):
        source = session.queue(channel, label, arguments=table)
        headers = {"CC": ["copy"], "BCC": ["blind"]}
        session.publish(channel, "", source, headers=headers)
        channel.basic_reject(session.fetch(channel, source), requeue=False)
        session.pause(channel)
        answers.append({key: len(session.take(channel, target)) for key, target in targets.items()})
    return answers


@scenario
def headers_of_copies_with_a_new_key(session):
    dying = Dying(session)
    dying.publish(headers={"CC": ["copy"], "own": 1})
    dying.reject()
    return dying.arrived()["properties"]["headers"].get("CC", "none")


@scenario
def chain_of_reasons(session):
    """Rejected, expired, over the limit: one entry each, the newest first."""
    channel = session.channel()
    last = session.queue(channel, "last")
    third = session.queue(channel, "third", arguments=dead_letters(key=last, max_length=1))
    second = session.queue(channel, "second", arguments=dead_letters(key=third, message_ttl=20))
    first = session.queue(channel, "first", arguments=dead_letters(key=second))
    session.publish(channel, "", first)
    channel.basic_reject(session.fetch(channel, first), requeue=False)
    session.wait_count(channel, third, 1)
    session.publish(channel, "", third, "pushes it out")
    return session.arrived(channel, last)


@scenario
def rounds_by_rejection(session):
    """A cycle with a rejection in it goes on, and counts."""
    channel = session.channel()
    names = session.name("work"), session.name("retry")
    session.queue(channel, "work", arguments=dead_letters(key=names[1]))
    session.queue(channel, "retry", arguments=dead_letters(key=names[0]))
    session.publish(channel, "", names[0])
    for _ in range(3):
        for name in names:
            session.wait_count(channel, name, 1)
            channel.basic_reject(session.fetch(channel, name), requeue=False)
    return session.arrived(channel, names[0])


@scenario
def work_and_retry(session):
    """The usual retry: rejected by the worker, back after a time."""
    channel = session.channel()
    work, retry = session.name("work"), session.name("retry")
    session.queue(channel, "work", arguments=dead_letters(key=retry))
    session.queue(channel, "retry", arguments=dead_letters(key=work, message_ttl=20))
    session.publish(channel, "", work)
    for _ in range(3):
        session.wait_count(channel, work, 1)
        channel.basic_reject(session.fetch(channel, work), requeue=False)
    return session.arrived(channel, work)


@scenario
def cycle_without_a_rejection(session):
    """Dropped when it would come back to a queue where it has died, with no rejection since."""
    channel = session.channel()
    names = session.name("first"), session.name("second")
    session.queue(channel, "first", arguments=dead_letters(key=names[1], message_ttl=20))
    session.queue(channel, "second", arguments=dead_letters(key=names[0], message_ttl=20))
    session.publish(channel, "", names[0], "round and round")
    session.pause(channel, 0.5)
    return [session.count(channel, name) for name in names]


@scenario
def cycle_to_itself(session):
    channel = session.channel()
    name = session.name("queue")
    session.queue(channel, arguments=dead_letters(key=name, message_ttl=20))
    session.publish(channel, "", name)
    session.pause(channel, 0.5)
    return session.count(channel, name)


@scenario
def rejected_to_itself(session):
    channel = session.channel()
    name = session.name("queue")
    session.queue(channel, arguments=dead_letters(key=name))
    session.publish(channel, "", name)
    for _ in range(2):
        session.wait_count(channel, name, 1)
        channel.basic_reject(session.fetch(channel, name), requeue=False)
    return session.arrived(channel, name)


@scenario
def over_limit_to_itself(session):
    channel = session.channel()
    name = session.name("queue")
    session.queue(channel, arguments=dead_letters(key=name, max_length=1))
    for body in ("1", "2", "3"):
        session.publish(channel, "", name, body)
    session.pause(channel)
    return session.take(channel, name)


@scenario
def missing_exchange(session):
    channel = session.channel()
    source = session.queue(channel, arguments=dead_letters(exchange=session.name("missing")))
    session.publish(channel, "", source, "dropped")
    channel.basic_reject(session.fetch(channel, source), requeue=False)
    session.publish(channel, "", source, "next")
    return [session.get(channel, source), session.count(channel, source)]


@scenario
def exchange_that_routes_nowhere(session):
    channel = session.channel()
    dead = session.exchange(channel, "direct", "dead")
    source = session.queue(channel, arguments=dead_letters(exchange=dead))
    session.publish(channel, "", source)
    channel.basic_reject(session.fetch(channel, source), requeue=False)
    return session.count(channel, source)


@scenario
def alternate_of_the_exchange(session):
    channel = session.channel()
    alternate = session.exchange(channel, "fanout", "alternate")
    dead = session.exchange(channel, "direct", "dead", arguments={"alternate-exchange": alternate})
    source = session.queue(channel, "source", arguments=dead_letters(exchange=dead))
    target = session.queue(channel, "target")
    channel.queue_bind(target, alternate)
    session.publish(channel, "", source)
    channel.basic_reject(session.fetch(channel, source), requeue=False)
    return session.arrived(channel, target)


@scenario
def internal_exchange(session):
    channel = session.channel()
    dead = session.exchange(channel, "fanout", "dead", internal=True)
    source = session.queue(channel, "source", arguments=dead_letters(exchange=dead))
    target = session.queue(channel, "target")
    channel.queue_bind(target, dead)
    session.publish(channel, "", source)
    channel.basic_reject(session.fetch(channel, source), requeue=False)
    return len(session.arrived(channel, target))


@scenario
def order_is_kept(session):
    dying = Dying(session, message_ttl=20)
    for number in range(10):
        dying.publish(str(number))
    return session.take(dying.channel, dying.target, 10)


@scenario
def purged_and_deleted_are_not_dead(session):
    dying = Dying(session)
    dying.publish("purged")
    dying.channel.queue_purge(dying.source)
    dying.publish("deleted")
    dying.channel.queue_delete(dying.source)
    session.pause(dying.channel)
    return session.count(dying.channel, dying.target)


@scenario
def expired_with_the_queue_are_not_dead(session):
    """x-expires ends the queue and its messages."""
    dying = Dying(session, expires=30)
    dying.publish("goes with its queue")
    session.pause(dying.channel, 0.5)
    return session.count(dying.channel, dying.target)


@scenario
def delivered_to_a_consumer(session):
    """An x-death of a dead letter that a consumer gets, not acked."""
    dying = Dying(session)
    consumer = session.consume(dying.channel, dying.target)
    dying.publish("1")
    dying.reject()
    session.delivered(consumer, 1)
    return [session.message(*delivery) for delivery in consumer.deliveries]


@scenario
def published_again_by_a_client(session):
    """x-death sent by a client: 3.10 counts on, 4.x does not."""
    dying = Dying(session)
    dying.publish()
    dying.reject()
    session.wait_count(dying.channel, dying.target, 1)
    _, properties, body = dying.channel.basic_get(dying.target, auto_ack=True)
    dying.channel.basic_publish("", dying.source, body, pika.BasicProperties(headers=properties.headers))
    dying.reject()
    return dying.arrived()


@scenario
def death_header_of_wrong_type(session):
    dying = Dying(session)
    dying.publish(headers={"x-death": "not a list"})
    dying.reject()
    return dying.arrived()["properties"]["headers"]["x-death"]


@scenario
def transaction_of_rejects(session):
    dying = Dying(session)
    dying.publish()
    channel = session.connection.channel()
    channel.tx_select()
    channel.basic_reject(session.fetch(channel, dying.source), requeue=False)
    session.settle(channel)
    before = session.count(dying.channel, dying.target)
    channel.tx_commit()
    return [before, dying.arrived()["body"]]


@scenario
def unacked_rejected_after_the_target_is_gone(session):
    dying = Dying(session)
    dying.publish()
    dying.channel.queue_delete(dying.target)
    dying.reject()
    return session.count(dying.channel, dying.source)
