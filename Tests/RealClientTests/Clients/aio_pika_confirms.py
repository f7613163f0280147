"""aio-pika: concurrent publisher confirms and returned messages."""

import asyncio

from aio_pika import Message
from aio_pika.exceptions import PublishError

from common import Failure, expect_equal, unique_name
from common_aio_pika import open_session, run_async

MESSAGE_COUNT = 500


async def test_concurrent_confirms(channel):
    queue = await channel.declare_queue(exclusive=True)
    publishes = (
        channel.default_exchange.publish(Message(str(number).encode()), queue.name) for number in range(MESSAGE_COUNT)
    )
    confirms = await asyncio.gather(*publishes)
    expect_equal({type(confirm).__name__ for confirm in confirms}, {"Ack"}, "kinds of confirm")
    passive = await channel.declare_queue(queue.name, passive=True)
    expect_equal(
        passive.declaration_result.message_count, MESSAGE_COUNT, "messages in the queue once all are confirmed"
    )


async def test_return(connection):
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    try:
        await channel.default_exchange.publish(Message(b"nobody"), unique_name("missing"), mandatory=True)
    except PublishError as error:
        returned = error.message.delivery
        expect_equal((returned.reply_code, returned.reply_text), (312, "NO_ROUTE"), "basic.return")
    else:
        raise Failure("a mandatory message without a matching queue was not returned")


async def test(arguments):
    async with open_session(arguments) as session:
        connection = await session.connect()
        channel = await connection.channel()
        await test_concurrent_confirms(channel)
        await test_return(connection)
    return f"{MESSAGE_COUNT} concurrent confirms and a return"


if __name__ == "__main__":
    run_async(test)
