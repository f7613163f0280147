"""pika: a message rejected round and round a dead-letter cycle counts its deaths per queue and reason."""

import time

from pika import BasicProperties

from common import expect_equal, run, unique_name
from common_pika import Session, get_message
from pika_dead_letter import check_death, death_entry, summary_headers

ROUNDS = 3


def reject_next(channel, queue):
    """Rejects the queue's one message and returns its headers."""
    method, properties, body = get_message(channel, queue)
    expect_equal((body, method.redelivered, method.message_count), (b"poison", False, 0), f"the message in '{queue}'")
    channel.basic_reject(method.delivery_tag, requeue=False)
    return properties.headers


def check_deaths(arguments, headers, entries, first, last, not_before):
    headers = dict(headers)
    deaths = headers.pop("x-death")
    actual = [(death["queue"], death["count"]) for death in deaths]
    expect_equal(actual, [(entry["queue"], entry["count"]) for entry in entries], "x-death, newest first")
    for death, entry in zip(deaths, entries):
        check_death(death, entry, not_before)
    expect_equal(headers, {"own": "header", **summary_headers(arguments, first, last)}, "the other headers")


def test(arguments):
    with Session(arguments) as session:
        channel = session.confirming_channel()
        exchange = session.declare_exchange(channel, "direct")
        work, retry = unique_name("work"), unique_name("retry")
        for queue, next_key in ((work, "retry"), (retry, "work")):
            dead_letter = {"x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": next_key}
            channel.queue_declare(queue, exclusive=True, arguments=dead_letter)
        channel.queue_bind(work, exchange, "work")
        channel.queue_bind(retry, exchange, "retry")
        not_before = time.time()
        channel.basic_publish("", work, b"poison", BasicProperties(headers={"own": "header"}))
        expect_equal(reject_next(channel, work), {"own": "header"}, "headers before the first death")
        first = ("rejected", work, "")
        for count in range(1, ROUNDS + 1):
            # Exchange and keys of an entry stay those of its first death: the default exchange for the work queue.
            work_death = death_entry(work, "rejected", "", [work], count)
            retry_death = death_entry(retry, "rejected", exchange, ["retry"], count)
            last_exchange = "" if count == 1 else exchange
            earlier = [death_entry(retry, "rejected", exchange, ["retry"], count - 1)] if count > 1 else []
            headers = reject_next(channel, retry)
            check_deaths(
                arguments, headers, [work_death] + earlier, first, ("rejected", work, last_exchange), not_before
            )
            headers = reject_next(channel, work)
            check_deaths(
                arguments, headers, [retry_death, work_death], first, ("rejected", retry, exchange), not_before
            )
    return f"{ROUNDS} rounds through two queues, deaths counted and ordered"


if __name__ == "__main__":
    run(test)
