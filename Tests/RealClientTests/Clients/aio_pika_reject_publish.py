"""aio-pika: the nack of a message which a full queue refuses."""

from aio_pika import Message
from aio_pika.exceptions import DeliveryError

from common import Failure, expect_equal
from common_aio_pika import open_session, run_async


async def test_nack(channel):
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    queue = await channel.declare_queue(exclusive=True, arguments=full)
    await channel.default_exchange.publish(Message(b"fits"), queue.name)
    try:
        await channel.default_exchange.publish(Message(b"too many"), queue.name)
    except DeliveryError as error:
        expect_equal(type(error.frame).__name__, "Nack", "the confirm of a message which a full queue refused")
    else:
        raise Failure("a message refused by a full queue was confirmed")


async def test(arguments):
    async with open_session(arguments) as session:
        connection = await session.connect()
        await test_nack(await connection.channel())
    return "a nack of a full queue"


if __name__ == "__main__":
    run_async(test)
