import AMQPWire
import Testing

/// Row "redeclare mismatch": what is compared, in which order, and how it is said.
@Suite struct EquivalenceTests {
    private func expectMismatch(_ first: QueueDeclare, _ second: QueueDeclare, _ text: String) {
        converse { broker in
            let client = broker.connect()
            client.declare(first)
            client.send(second)
            client.expectChannelClose(406, "PRECONDITION_FAILED - inequivalent arg \(text)", of: QueueDeclare.self)
        }
    }

    private func queue(_ arguments: FieldTable) -> QueueDeclare {
        QueueDeclare(queue: "q", durable: true, arguments: arguments)
    }

    @Test func onlyTheFirstDifferenceIsNamed() {
        expectMismatch(
            QueueDeclare(queue: "q", durable: true, autoDelete: true, arguments: ["x-max-length": .int32(1)]),
            QueueDeclare(queue: "q"), "'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'")
        expectMismatch(
            queue(["x-max-length": .int32(1), "x-expires": .int64(60_000)]), queue(FieldTable()),
            "'x-expires' for queue 'q' in vhost '/': received none but current is the value '60000' of type 'long'")
    }

    @Test func valuesAreToldWithoutTheirTypes() {
        expectMismatch(
            queue(["x-message-ttl": .int32(1)]), queue(["x-message-ttl": .int64(2)]),
            "'x-message-ttl' for queue 'q' in vhost '/': received '2' but current is '1'")
        // The new value may be wrong: it is compared, not checked.
        expectMismatch(
            queue(["x-message-ttl": .int32(1)]), queue(["x-message-ttl": .string("1")]),
            "'x-message-ttl' for queue 'q' in vhost '/': received '1' but current is '1'")
        expectMismatch(
            queue(["x-single-active-consumer": .bool(true)]), queue(["x-single-active-consumer": .bool(false)]),
            "'x-single-active-consumer' for queue 'q' in vhost '/': received 'false' but current is 'true'")
    }

    @Test func theTypeIsComparedAndClassicIsTheDefault() {
        expectMismatch(
            queue(["x-queue-type": .string("quorum")]), queue(FieldTable()),
            "'x-queue-type' for queue 'q' in vhost '/': received none but current is the value 'quorum' of type "
                + "'longstr'")
        expectMismatch(
            queue(FieldTable()), queue(["x-queue-type": .string("quorum")]),
            "'x-queue-type' for queue 'q' in vhost '/': received the value 'quorum' of type 'longstr' but current is "
                + "none")
        converse { broker in
            let client = broker.connect()
            client.declare(queue(["x-queue-type": .string("classic")]))
            client.declare(queue(FieldTable()))
        }
    }

    /// Arguments that a queue's type does not take are not compared: they could not have been given.
    @Test func onlyTheTypesOwnArgumentsAreCompared() {
        converse { broker in
            let client = broker.connect()
            client.declare(queue(["x-queue-type": .string("quorum")]))
            client.declare(queue(["x-queue-type": .string("quorum"), "x-max-priority": .int32(3), "x-own": .void]))
        }
    }

    @Test func exchangesAreComparedInRabbitMQsOrder() {
        converse { broker in
            let client = broker.connect()
            let arguments: FieldTable = ["alternate-exchange": .string("other"), "x-own": .int32(1)]
            client.request(
                ExchangeDeclare(exchange: "x", type: "direct", arguments: arguments), ExchangeDeclareOk())
            func mismatch(_ declare: ExchangeDeclare, _ text: String) {
                client.send(declare)
                client.expectChannelClose(
                    406, "PRECONDITION_FAILED - inequivalent arg \(text)", of: ExchangeDeclare.self)
            }
            mismatch(
                ExchangeDeclare(exchange: "x", type: "fanout", durable: true),
                "'type' for exchange 'x' in vhost '/': received 'fanout' but current is 'direct'")
            mismatch(
                ExchangeDeclare(exchange: "x", type: "direct", durable: true, autoDelete: true),
                "'durable' for exchange 'x' in vhost '/': received 'true' but current is 'false'")
            mismatch(
                ExchangeDeclare(exchange: "x", type: "direct", autoDelete: true, internal: true),
                "'auto_delete' for exchange 'x' in vhost '/': received 'true' but current is 'false'")
            mismatch(
                ExchangeDeclare(exchange: "x", type: "direct", internal: true),
                "'internal' for exchange 'x' in vhost '/': received 'true' but current is 'false'")
            mismatch(
                ExchangeDeclare(exchange: "x", type: "direct"),
                "'alternate-exchange' for exchange 'x' in vhost '/': received none but current is the value 'other' "
                    + "of type 'longstr'")
            client.request(
                ExchangeDeclare(
                    exchange: "x", type: "direct", arguments: ["alternate-exchange": .string("other")]),
                ExchangeDeclareOk())
        }
    }

    /// Row "transient non-exclusive": RabbitMQ 4.3 refuses them.
    @Test func transientNonExclusiveQueuesAreAccepted() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("one", routingKey: "q")
            broker.connect().get(expecting: "one", tag: 1)
        }
    }
}
