import AMQPWire
import Testing

@testable import Broker

/// Messages that leave their queues without having been consumed are counted by reason, and by what became of them.
@Suite struct DeathCountingTests {
    private func deaths(_ broker: Conversation) -> QueueDeaths { broker.totals.deaths }

    private func declare(
        _ client: ConversationClient, _ name: ShortString, isQuorum: Bool, _ arguments: FieldTable
    ) {
        var arguments = arguments
        if isQuorum { arguments["x-queue-type"] = .string("quorum") }
        client.declare(QueueDeclare(queue: name, durable: isQuorum, arguments: arguments))
    }

    /// Has one message die of each reason, of queues that are declared with these arguments too.
    private func dieOfEverything(_ broker: Conversation, isQuorum: Bool, _ arguments: FieldTable) {
        let client = broker.connect()
        func queue(_ name: ShortString, _ more: FieldTable = FieldTable()) {
            var all = more
            for entry in arguments.entries { all[entry.name] = entry.value }
            declare(client, name, isQuorum: isQuorum, all)
        }
        queue("rejects")
        client.publish("x", routingKey: "rejects")
        client.get("rejects", expecting: "x", tag: 1)
        client.send(BasicReject(deliveryTag: 1, requeue: false))
        queue("expires", ["x-message-ttl": .int32(10)])
        client.publish("x", routingKey: "expires")
        broker.advance(milliseconds: 1000)
        queue("limited", ["x-max-length": .int32(1)])
        client.publish("x", routingKey: "limited")
        client.publish("y", routingKey: "limited")
        queue("fails", ["x-delivery-limit": .int32(1)])
        client.publish("x", routingKey: "fails")
        client.get("fails", expecting: "x", tag: 2)
        client.send(BasicReject(deliveryTag: 2, requeue: true))
        client.get("fails", expecting: "x", tag: 3, redelivered: true)
        client.send(BasicReject(deliveryTag: 3, requeue: true))
    }

    private var oneOfEach: DeathCounters {
        var counters = DeathCounters()
        counters.rejected = 1
        counters.expired = 1
        counters.maxlen = 1
        counters.deliveryLimit = 1
        return counters
    }

    @Test func whatIsDroppedCountsAsDropped() {
        converse { broker in
            dieOfEverything(broker, isQuorum: false, FieldTable())
            var expected = QueueDeaths()
            expected.classicDisabled = oneOfEach
            #expect(deaths(broker) == expected)
        }
    }

    @Test func whatIsDeadLetteredCountsAsSuch() {
        converse(shards: 2) { broker in
            let client = broker.connect(shard: 1)
            client.declareDeadLetterQueue()
            dieOfEverything(broker, isQuorum: false, ["x-dead-letter-exchange": .string("amq.fanout")])
            var expected = QueueDeaths()
            expected.classicAtMostOnce = oneOfEach
            #expect(deaths(broker) == expected)
            client.request(QueueDelete(queue: "dead"), QueueDeleteOk(messageCount: 4))
        }
    }

    @Test func aDeadLetterExchangeThatIsNotThereCountsAsNone() {
        converse { broker in
            dieOfEverything(broker, isQuorum: false, ["x-dead-letter-exchange": .string("nowhere")])
            var expected = QueueDeaths()
            expected.classicDisabled = oneOfEach
            #expect(deaths(broker) == expected)
        }
    }

    @Test(arguments: ["at-most-once", "at-least-once"]) func quorumQueuesCountByTheirStrategy(strategy: String) {
        converse { broker in
            let client = broker.connect()
            client.declareDeadLetterQueue()
            dieOfEverything(
                broker, isQuorum: true,
                [
                    "x-dead-letter-exchange": .string("amq.fanout"), "x-dead-letter-strategy": .string(strategy),
                    "x-overflow": .string(strategy == "at-least-once" ? "reject-publish" : "drop-head"),
                ])
            var expected = QueueDeaths()
            var counted = oneOfEach
            // A queue that rejects drops nothing for its length.
            if strategy == "at-least-once" { counted.maxlen = 0 }
            if strategy == "at-least-once" {
                expected.quorumAtLeastOnce = counted
            } else {
                expected.quorumAtMostOnce = counted
            }
            #expect(deaths(broker) == expected)
        }
    }

    @Test func quorumQueuesWithoutADeadLetterExchangeDrop() {
        converse { broker in
            dieOfEverything(broker, isQuorum: true, FieldTable())
            var expected = QueueDeaths()
            expected.quorumDisabled = oneOfEach
            #expect(deaths(broker) == expected)
        }
    }
}
