"""aio-pika: with a prefetch a slow and a fast worker share a queue by speed, each job done once."""

import asyncio

from aio_pika import DeliveryMode, Message

from common import expect, expect_equal
from common_aio_pika import open_session, run_async, wait_for

JOB_COUNT = 60
PREFETCH = 2
SECONDS_PER_JOB = {"slow": 0.2, "fast": 0.005}


class Worker:
    def __init__(self, seconds_per_job):
        self.seconds_per_job = seconds_per_job
        self.done = []
        self.held = 0
        self.most_held = 0

    async def start(self, session, queue_name):
        self.channel = await (await session.connect()).channel()
        await self.channel.set_qos(prefetch_count=PREFETCH)
        queue = await self.channel.get_queue(queue_name)
        self.working = asyncio.Lock()
        await queue.consume(self.on_job)

    async def on_job(self, message):
        self.held += 1
        self.most_held = max(self.most_held, self.held)
        async with self.working:
            await asyncio.sleep(self.seconds_per_job)
            self.done.append(int(message.body))
            self.held -= 1
            await message.ack()


async def test(arguments):
    async with open_session(arguments) as session:
        channel = await (await session.connect()).channel()
        queue = await session.declare_shared_queue(channel, "jobs")
        workers = {name: Worker(seconds) for name, seconds in SECONDS_PER_JOB.items()}
        for worker in workers.values():
            await worker.start(session, queue.name)
        for number in range(JOB_COUNT):
            job = Message(str(number).encode(), delivery_mode=DeliveryMode.PERSISTENT)
            await channel.default_exchange.publish(job, queue.name)
        await wait_for(lambda: sum(len(worker.done) for worker in workers.values()) >= JOB_COUNT, "all jobs to be done")
        done = sorted(number for worker in workers.values() for number in worker.done)
        expect_equal(done, list(range(JOB_COUNT)), "jobs done")
        most_held = {name: worker.most_held for name, worker in workers.items()}
        expect_equal(most_held, {"slow": PREFETCH, "fast": PREFETCH}, "most jobs held at once")
        slow, fast = len(workers["slow"].done), len(workers["fast"].done)
        expect(1 <= slow and fast > 3 * slow, f"the fast worker did most jobs: {fast} against {slow}")
        for worker in workers.values():
            await worker.channel.close()
        passive = await channel.declare_queue(queue.name, passive=True)
        expect_equal(passive.declaration_result.message_count, 0, "jobs left in the queue")
    return f"{JOB_COUNT} jobs, {fast} by the fast worker and {slow} by the slow one"


if __name__ == "__main__":
    run_async(test)
