"""pika: what a killed worker held comes back redelivered; nothing is lost, nothing acknowledged comes again."""

import json
import signal
import subprocess
import sys

from common import Failure, expect_equal, run, wait_until
from common_pika import Session, wait_for_message_count

MESSAGE_COUNT = 40
WORKER_PREFETCH = 10
WORKER_ACKNOWLEDGES = 5


def work_until_killed(session, queue):
    """The subprocess: acknowledges the first messages, reports the ones it then holds, and waits for SIGKILL."""
    channel = session.connect().channel()
    channel.basic_qos(prefetch_count=WORKER_PREFETCH)
    held = []

    def on_message(_channel, method, _properties, body):
        if int(body) < WORKER_ACKNOWLEDGES:
            channel.basic_ack(method.delivery_tag)
        else:
            held.append(int(body))

    channel.basic_consume(queue, on_message)
    wait_until(
        lambda: len(held) >= WORKER_PREFETCH,
        "the worker's prefetch is used up",
        step=lambda: channel.connection.process_data_events(0.1),
    )
    # The answer to a synchronous method: the broker has handled the acks before it.
    channel.basic_qos(prefetch_count=WORKER_PREFETCH)
    print(json.dumps(held), flush=True)
    signal.pause()


def run_and_kill_worker(arguments, queue):
    command = [sys.executable, __file__, "--host", arguments.host, "--port", str(arguments.port)]
    command += ["--username", arguments.username, "--password", arguments.password, "--worker-queue", queue]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        try:
            report = worker.stdout.readline()
        finally:
            worker.kill()
        if worker.wait() != -signal.SIGKILL or not report:
            raise Failure(f"the worker ended by itself with {worker.returncode} and reported {report!r}")
    return json.loads(report)


def test(arguments):
    with Session(arguments) as session:
        if arguments.worker_queue:
            work_until_killed(session, arguments.worker_queue)
        publisher = session.confirming_channel()
        queue = session.declare_shared_queue(publisher, "work")
        for number in range(MESSAGE_COUNT):
            publisher.basic_publish("", queue, str(number).encode())
        held = run_and_kill_worker(arguments, queue)
        first_free = WORKER_ACKNOWLEDGES + WORKER_PREFETCH
        expect_equal(held, list(range(WORKER_ACKNOWLEDGES, first_free)), "messages held by the worker")
        wait_for_message_count(publisher, queue, MESSAGE_COUNT - WORKER_ACKNOWLEDGES)

        received = []
        channel = session.connect().channel()

        def on_message(_channel, method, _properties, body):
            received.append((int(body), method.redelivered))
            channel.basic_ack(method.delivery_tag)

        channel.basic_consume(queue, on_message)
        wait_until(
            lambda: len(received) >= MESSAGE_COUNT - WORKER_ACKNOWLEDGES,
            "all messages which were not acknowledged",
            step=lambda: channel.connection.process_data_events(0.1),
        )
        channel.connection.sleep(0.2)
        expected = [(number, number < first_free) for number in range(WORKER_ACKNOWLEDGES, MESSAGE_COUNT)]
        expect_equal(received, expected, "messages with their redelivered flags")
        channel.connection.close()
        wait_for_message_count(publisher, queue, 0)
    return f"{WORKER_PREFETCH} messages of a killed worker redelivered, {WORKER_ACKNOWLEDGES} acknowledged ones not"


if __name__ == "__main__":
    run(test, add_options=lambda parser: parser.add_argument("--worker-queue"))
