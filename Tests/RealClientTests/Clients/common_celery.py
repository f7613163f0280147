"""The Celery application of celery_workload.py: imported by the script and by the workers that it starts."""

import os
import time

from celery import Celery
from kombu import Queue

PREFIX = os.environ.get("LEVERET_CELERY_PREFIX", "celery-test")
PROMPT, LATE, PRIORITIZED = (f"{PREFIX}-{label}" for label in ("prompt", "late", "prioritized"))

app = Celery("common_celery", broker=os.environ.get("LEVERET_CELERY_BROKER"), backend="rpc://")
app.conf.update(
    task_default_queue=PROMPT,
    task_queues=[Queue(PROMPT), Queue(LATE), Queue(PRIORITIZED, queue_arguments={"x-max-priority": 10})],
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    result_expires=60,
    control_exchange=f"{PREFIX}-control",
    event_exchange=f"{PREFIX}-events",
)


@app.task
def add(x, y):
    return x + y


@app.task(bind=True, max_retries=3)
def fail_twice(self):
    """Comes back with a countdown, and tells how often."""
    if self.request.retries < 2:
        raise self.retry(countdown=0.3)
    return self.request.retries


@app.task
def raise_error():
    raise ValueError("on purpose")


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True)
def hang_first(self, path):
    """Never ends in the first process that gets it; in the next it tells both processes."""
    with open(path, "a") as file:
        file.write(f"{os.getpid()}\n")
    with open(path) as file:
        processes = [int(line) for line in file]
    if len(processes) == 1:
        time.sleep(60)
    return processes, self.request.delivery_info["redelivered"]


@app.task(rate_limit="5/s")
def started():
    return time.time()


@app.task
def note(path, text):
    with open(path, "a") as file:
        file.write(f"{text}\n")
