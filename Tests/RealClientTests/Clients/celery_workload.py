"""Celery: tasks, retries with countdown, late acks and a killed worker, rate limits, remote control, priorities."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from celery import chain, group
from celery.exceptions import TaskRevokedError

from common import expect, expect_equal, run, unique_name, wait_until

RESULT_SECONDS = 15


class Workers:
    """`celery worker` processes, each with a log that is shown when the test fails."""

    def __init__(self, directory):
        self.directory = directory
        self.processes = {}

    def start(self, name, queue, pool):
        command = [sys.executable, "-m", "celery", "-A", "common_celery", "worker", "-n", f"{name}@test", "-Q", queue]
        command += ["--pool", pool, "--concurrency", "4", "--loglevel", "INFO", "--without-gossip"]
        log = open(self.directory / f"{name}.log", "w")
        # Celery is careful about root because of pickle, which these tasks do not accept.
        environment = {**os.environ, "C_FORCE_ROOT": "1"}
        directory = Path(__file__).parent
        self.processes[name] = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log, env=environment)

    def kill(self, name):
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def end(self, failed):
        for name, process in self.processes.items():
            process.kill()
            process.wait()
        if failed:
            for path in sorted(self.directory.glob("*.log")):
                print(f"--- {path.name}\n{path.read_text()[-3000:]}", file=sys.stderr)


def wait_for_ping(app, name):
    wait_until(lambda: f"{name}@test" in ping(app), f"an answer of worker '{name}' to a ping", 20)


def ping(app):
    return app.control.inspect(timeout=0.5).ping() or {}


def test_results(tasks):
    expect_equal(tasks.add.delay(2, 3).get(RESULT_SECONDS), 5, "the result of a task")
    many = group(tasks.add.s(number, number) for number in range(20)).apply_async()
    expect_equal(many.get(RESULT_SECONDS), [2 * number for number in range(20)], "the results of a group")
    steps = chain(tasks.add.s(1, 2), tasks.add.s(3), tasks.add.s(4)).apply_async()
    expect_equal(steps.get(RESULT_SECONDS), 10, "the result of a chain")
    try:
        tasks.raise_error.delay().get(RESULT_SECONDS)
    except ValueError as error:
        expect_equal(str(error), "on purpose", "the error of a task")
    expect_equal(tasks.fail_twice.delay().get(RESULT_SECONDS), 2, "the retries of a task that fails twice")


def test_rate_limit(tasks):
    results = [tasks.started.delay() for _ in range(4)]
    moments = sorted(result.get(RESULT_SECONDS) for result in results)
    expect(moments[-1] - moments[0] > 0.4, f"four tasks at 5 a second began within {moments[-1] - moments[0]} s")


def test_remote_control(tasks, directory):
    control = tasks.app.control
    queues = control.inspect(timeout=1).active_queues()["prompt@test"]
    expect_equal([queue["name"] for queue in queues], [tasks.PROMPT], "the queues of a worker")
    path = str(directory / "notes")
    revoked = tasks.note.apply_async((path, "revoked"), countdown=1)
    control.revoke(revoked.id)
    later = tasks.note.apply_async((path, "not revoked"), countdown=1.5)
    later.get(RESULT_SECONDS)
    expect_equal(Path(path).read_text(), "not revoked\n", "what ran of two tasks, one of them revoked")
    try:
        revoked.get(RESULT_SECONDS)
    except TaskRevokedError:
        return
    expect(False, "a revoked task has a result")


def test_killed_worker(tasks, workers, directory):
    path = str(directory / "processes")
    result = tasks.hang_first.apply_async((path,), queue=tasks.LATE)
    wait_until(lambda: Path(path).exists() and Path(path).read_text(), "the task's start", 15)
    workers.start("survivor", tasks.LATE, "solo")
    victim, survivor = (workers.processes[name].pid for name in ("victim", "survivor"))
    wait_for_ping(tasks.app, "survivor")
    workers.kill("victim")
    processes, redelivered = result.get(RESULT_SECONDS)
    expect_equal((processes, redelivered), ([victim, survivor], True), "who ran the task of a killed worker")


def test_priorities(tasks, workers, directory):
    """Sent before anybody listens, so all wait in the queue."""
    path = str(directory / "priorities")
    results = [
        tasks.note.apply_async((path, str(priority)), queue=tasks.PRIORITIZED, priority=priority)
        for priority in (1, 9, 5, 0)
    ]
    workers.start("prioritized", tasks.PRIORITIZED, "solo")
    for result in results:
        result.get(RESULT_SECONDS)
    order = Path(path).read_text().split()
    expect_equal(order, ["9", "5", "1", "0"], "tasks by priority")


def test(arguments):
    prefix = unique_name("celery")
    os.environ["LEVERET_CELERY_PREFIX"] = prefix
    login = f"{arguments.username}:{arguments.password}"
    os.environ["LEVERET_CELERY_BROKER"] = f"amqp://{login}@{arguments.host}:{arguments.port}//"
    import common_celery as tasks

    with tempfile.TemporaryDirectory() as name:
        directory, failed = Path(name), True
        workers = Workers(directory)
        workers.start("prompt", tasks.PROMPT, "threads")
        workers.start("victim", tasks.LATE, "solo")
        try:
            wait_for_ping(tasks.app, "prompt")
            test_results(tasks)
            test_rate_limit(tasks)
            test_remote_control(tasks, directory)
            test_killed_worker(tasks, workers, directory)
            test_priorities(tasks, workers, directory)
            tasks.app.control.shutdown()
            for process in workers.processes.values():
                expect_equal(process.wait(15), 0, "the exit code of a worker that was told to stop")
            failed = False
        finally:
            workers.end(failed)
            delete_topology(tasks)
    return "results, retries, rate limits, remote control, a killed worker, priorities"


def delete_topology(tasks):
    exchanges = [f"{tasks.PREFIX}-control.pidbox", f"reply.{tasks.PREFIX}-control.pidbox", f"{tasks.PREFIX}-events"]
    with tasks.app.connection_for_write() as connection, connection.channel() as channel:
        for queue in (tasks.PROMPT, tasks.LATE, tasks.PRIORITIZED):
            channel.queue_delete(queue)
        for exchange in (*exchanges, tasks.PROMPT):
            channel.exchange_delete(exchange)


if __name__ == "__main__":
    run(test, timeout=58)
