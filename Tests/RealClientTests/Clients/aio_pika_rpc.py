"""aio-pika: 100 concurrent calls over a server-named exclusive reply queue, matched by correlation_id."""

import asyncio

from aio_pika import Message

from common import expect, expect_equal
from common_aio_pika import open_session, run_async

CALLS = 100


class RemoteSquare:
    def __init__(self, channel, reply_queue, request_queue):
        self.channel = channel
        self.reply_queue = reply_queue
        self.request_queue = request_queue
        self.waiting = {}

    async def on_reply(self, message):
        self.waiting.pop(message.correlation_id).set_result(int(message.body))

    async def call(self, number):
        answer = self.waiting[f"call-{number}"] = asyncio.get_running_loop().create_future()
        request = Message(str(number).encode(), correlation_id=f"call-{number}", reply_to=self.reply_queue.name)
        await self.channel.default_exchange.publish(request, routing_key=self.request_queue)
        return await answer


async def serve(session, queue_name):
    channel = await (await session.connect()).channel()
    await channel.set_qos(prefetch_count=10)
    queue = await channel.get_queue(queue_name)

    async def answer(message):
        async with message.process():
            body = str(int(message.body) ** 2).encode()
            reply = Message(body, correlation_id=message.correlation_id)
            await channel.default_exchange.publish(reply, routing_key=message.reply_to)

    await queue.consume(answer)


async def test(arguments):
    async with open_session(arguments) as session:
        channel = await (await session.connect()).channel()
        requests = await session.declare_shared_queue(channel, "requests")
        await serve(session, requests.name)
        reply_queue = await channel.declare_queue(exclusive=True)
        expect(reply_queue.name.startswith("amq.gen-"), f"the reply queue's name is the broker's: {reply_queue.name}")
        client = RemoteSquare(channel, reply_queue, requests.name)
        await reply_queue.consume(client.on_reply, no_ack=True)
        calls = asyncio.gather(*(client.call(number) for number in range(CALLS)))
        answers = await asyncio.wait_for(calls, timeout=10)
        expect_equal(answers, [number**2 for number in range(CALLS)], "answers")
        expect_equal(client.waiting, {}, "calls without an answer")
    return f"{CALLS} concurrent calls answered"


if __name__ == "__main__":
    run_async(test)
