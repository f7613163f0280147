"""Shared by the aio-pika scripts: the URL, and a session which deletes what it declared."""

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import quote

import aio_pika

from common import Failure, run, unique_name


def url(arguments, port=None):
    login = f"{quote(arguments.username)}:{quote(arguments.password)}"
    return f"amqp://{login}@{arguments.host}:{port or arguments.port}/"


class AsyncSession:
    def __init__(self, arguments):
        self.arguments = arguments
        self.connections = []
        self.exchanges = []
        self.queues = []

    async def connect(self):
        connection = await aio_pika.connect(url(self.arguments))
        self.connections.append(connection)
        return connection

    async def declare_exchange(self, channel, exchange_type):
        name = unique_name(exchange_type.value)
        self.exchanges.append(name)
        return await channel.declare_exchange(name, exchange_type)

    async def declare_shared_queue(self, channel, label, **options):
        name = unique_name(label)
        self.queues.append(name)
        return await channel.declare_queue(name, durable=True, **options)

    async def close(self):
        for connection in self.connections:
            await connection.close()
        async with await aio_pika.connect(url(self.arguments)) as connection:
            channel = await connection.channel()
            for name in self.queues:
                await channel.queue_delete(name)
            for name in self.exchanges:
                await channel.exchange_delete(name)


@asynccontextmanager
async def open_session(arguments):
    session = AsyncSession(arguments)
    try:
        yield session
    finally:
        await session.close()


async def wait_for(condition, what, timeout=10.0):
    deadline = asyncio.get_running_loop().time() + timeout
    while not condition():
        if asyncio.get_running_loop().time() >= deadline:
            raise Failure(f"not within {timeout:g} s: {what}")
        await asyncio.sleep(0.01)


def run_async(test):
    """Like common.run, for a coroutine function; the arguments' description is its module's docstring."""

    def run_in_loop(arguments):
        return asyncio.run(test(arguments))

    run_in_loop.__module__ = test.__module__
    run(run_in_loop)
