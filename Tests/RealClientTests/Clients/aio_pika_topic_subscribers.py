"""aio-pika: topic subscribers on their own connections get the matching log lines, in order."""

from aio_pika import ExchangeType, Message

from common import expect_equal
from common_aio_pika import open_session, run_async, wait_for

SUBSCRIPTIONS = {
    "everything": ["#"],
    "kernel": ["kern.*"],
    "critical": ["*.critical"],
    "kernel or critical": ["kern.*", "*.critical"],
}
ROUTING_KEYS = ["kern.info", "kern.critical", "auth.critical", "auth.info", "kern", "kern.info.disk"]
EXPECTED = {
    "everything": ROUTING_KEYS,
    "kernel": ["kern.info", "kern.critical"],
    "critical": ["kern.critical", "auth.critical"],
    "kernel or critical": ["kern.info", "kern.critical", "auth.critical"],
}


async def test(arguments):
    async with open_session(arguments) as session:
        publisher = await (await session.connect()).channel()
        exchange = await session.declare_exchange(publisher, ExchangeType.TOPIC)
        received = {name: [] for name in SUBSCRIPTIONS}
        for name, patterns in SUBSCRIPTIONS.items():
            channel = await (await session.connect()).channel()
            queue = await channel.declare_queue(exclusive=True)
            for pattern in patterns:
                await queue.bind(exchange.name, pattern)

            async def on_message(message, name=name):
                async with message.process():
                    received[name].append((message.routing_key, message.body.decode(), message.exchange))

            await queue.consume(on_message)
        for key in ROUTING_KEYS:
            await exchange.publish(Message(f"line for {key}".encode()), routing_key=key)
        total = sum(len(keys) for keys in EXPECTED.values())
        await wait_for(lambda: sum(map(len, received.values())) >= total, f"{total} deliveries")
        expected = {name: [(key, f"line for {key}", exchange.name) for key in keys] for name, keys in EXPECTED.items()}
        expect_equal(received, expected, "lines of each subscriber")
    return f"{len(SUBSCRIPTIONS)} topic subscribers"


if __name__ == "__main__":
    run_async(test)
