"""pika: the headers exchange with each x-match, values, presence and missing headers."""

from pika import BasicProperties

from common import expect_equal, run
from common_pika import Session, declare_exclusive_queue, expect_channel_closed, queues_reached

BINDINGS = {
    "all": {"x-match": "all", "format": "pdf", "pages": 2},
    "default is all": {"format": "pdf", "pages": 2},
    "any": {"x-match": "any", "format": "pdf", "pages": 2},
    "present": {"x-match": "all", "format": None},
    # x-match all and any do not look at headers which begin with "x-"; the other two do.
    "all without x": {"x-match": "all", "format": "pdf", "x-tenant": "blue"},
    "all with x": {"x-match": "all-with-x", "format": "pdf", "x-tenant": "blue"},
    "any with x": {"x-match": "any-with-x", "format": "csv", "x-tenant": "blue"},
    "nothing but all": {"x-match": "all"},
    "nothing but any": {"x-match": "any"},
}

MATCHES = [
    ({"format": "pdf", "pages": 2}, {"all", "default is all", "any", "present", "all without x", "nothing but all"}),
    ({"format": "pdf", "pages": 3}, {"any", "present", "all without x", "nothing but all"}),
    ({"format": "csv"}, {"present", "any with x", "nothing but all"}),
    ({"pages": 2, "other": "value"}, {"any", "nothing but all"}),
    (
        {"format": "pdf", "x-tenant": "blue"},
        {"any", "present", "all without x", "all with x", "any with x", "nothing but all"},
    ),
    ({"format": "pdf", "x-tenant": "red"}, {"any", "present", "all without x", "nothing but all"}),
    ({"x-tenant": "blue"}, {"any with x", "nothing but all"}),
    ({"format": "PDF", "pages": "2"}, {"present", "nothing but all"}),
    (None, {"nothing but all"}),
]


def test(arguments):
    with Session(arguments) as session:
        channel = session.confirming_channel()
        exchange = session.declare_exchange(channel, "headers")
        queues = {}
        for label, binding_arguments in BINDINGS.items():
            queues[label] = declare_exclusive_queue(channel)
            channel.queue_bind(queues[label], exchange, "ignored", arguments=binding_arguments)
        for headers, matching in MATCHES:
            channel.basic_publish(exchange, "any", b"message", BasicProperties(headers=headers))
            expect_equal(queues_reached(channel, queues), matching, f"bindings which match the headers {headers}")
        # RabbitMQ prints the value as an Erlang binary.
        text = 'Invalid x-match field value <<"some">>; expected all, any, all-with-x, or any-with-x'
        expect_channel_closed(
            channel.connection,
            lambda other: other.queue_bind(queues["all"], exchange, arguments={"x-match": "some"}),
            406,
            f"PRECONDITION_FAILED - {text}",
        )
    return f"{len(MATCHES)} messages against {len(BINDINGS)} bindings"


if __name__ == "__main__":
    run(test)
