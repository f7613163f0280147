"""aio-pika: a robust connection which is cut comes back with its exchange, queues, bindings and consumers."""

import asyncio

import aio_pika
from aio_pika import ExchangeType, Message

from common import expect_equal, unique_name
from common_aio_pika import open_session, run_async, url, wait_for

# The number of the message which the client holds when the connection is cut.
HELD = 4


class CuttingProxy:
    """Forwards TCP connections on loopback until it is told to cut them all."""

    def __init__(self, arguments):
        self.target = arguments.host, arguments.port
        self.writers = []
        self.accepted = 0

    async def start(self):
        self.server = await asyncio.start_server(self.on_connection, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def on_connection(self, client_reader, client_writer):
        self.accepted += 1
        broker_reader, broker_writer = await asyncio.open_connection(*self.target)
        self.writers += [client_writer, broker_writer]
        await asyncio.gather(self.forward(client_reader, broker_writer), self.forward(broker_reader, client_writer))

    async def forward(self, reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    def cut(self):
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    async def stop(self):
        self.cut()
        self.server.close()


async def subscribe(connection, session, received):
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=10)
    exchange_name, queue_name = unique_name("exchange"), unique_name("queue")
    session.exchanges.append(exchange_name)
    session.queues.append(queue_name)
    exchange = await channel.declare_exchange(exchange_name, ExchangeType.DIRECT)
    shared = await channel.declare_queue(queue_name, durable=True)
    exclusive = await channel.declare_queue(exclusive=True)
    await shared.bind(exchange, "key")
    await exclusive.bind(exchange, "key")

    async def on_message(message):
        number = int(message.body)
        received.append((number, message.redelivered))
        if number != HELD or message.redelivered:
            await message.ack()

    exclusive_received = []

    async def on_exclusive_message(message):
        exclusive_received.append(int(message.body))

    await shared.consume(on_message)
    await exclusive.consume(on_exclusive_message, no_ack=True)
    return exchange_name, exclusive_received


async def test(arguments):
    async with open_session(arguments) as session:
        proxy = CuttingProxy(arguments)
        port = await proxy.start()
        connection = await aio_pika.connect_robust(url(arguments, port), reconnect_interval=0.2)
        session.connections.append(connection)
        reconnected = asyncio.Event()
        connection.reconnect_callbacks.add(lambda *_: reconnected.set())
        received = []
        exchange_name, exclusive_received = await subscribe(connection, session, received)

        publisher = await (await session.connect()).channel()
        exchange = await publisher.get_exchange(exchange_name)
        for number in range(5):
            await exchange.publish(Message(str(number).encode()), "key")
        await wait_for(lambda: len(received) >= 5 and len(exclusive_received) >= 5, "the messages before the cut")
        # A round trip, so that the acks before it have reached the broker.
        await (await connection.channel()).close()
        proxy.cut()
        await asyncio.wait_for(reconnected.wait(), 10)
        await wait_for(lambda: len(received) >= 6, "the held message to come back after the reconnect")
        for number in range(5, 10):
            await exchange.publish(Message(str(number).encode()), "key")
        await wait_for(
            lambda: len(received) >= 11 and len(exclusive_received) >= 10, "the messages after the reconnect"
        )
        expected = (
            [(number, False) for number in range(5)] + [(HELD, True)] + [(number, False) for number in range(5, 10)]
        )
        expect_equal(received, expected, "messages of the shared queue with their redelivered flags")
        expect_equal(exclusive_received, list(range(10)), "messages of the exclusive queue")
        await connection.close()
        await proxy.stop()
        expect_equal(proxy.accepted, 2, "connections through the proxy")
    return "a robust connection restored its topology and consumers, the held message came back redelivered"


if __name__ == "__main__":
    run_async(test)
