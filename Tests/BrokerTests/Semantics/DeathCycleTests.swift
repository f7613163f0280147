import AMQPWire
import Testing

@testable import Broker

/// Dead-letter cycles (amqp-behaviour 1.4; RabbitMQ's `mc:is_death_cycle`).
@Suite struct DeathCycleTests {
    private func ring(_ client: ConversationClient, timeToLive: Int32) {
        for (queue, next) in [("q", "r"), ("r", "q")] {
            client.declare(
                QueueDeclare(
                    queue: ShortString(truncating: queue),
                    arguments: [
                        "x-message-ttl": .int32(timeToLive), "x-dead-letter-exchange": .string(""),
                        "x-dead-letter-routing-key": .string(next),
                    ]))
        }
    }

    @Test func aMessageThatGoesRoundByItselfIsDropped() {
        converse { broker in
            let client = broker.connect()
            ring(client, timeToLive: 100)
            client.publish("x", routingKey: "q")
            broker.advance(milliseconds: 100)
            client.expectCounts("r", messages: 1)
            broker.advance(milliseconds: 100)
            client.expectCounts("r", messages: 0)
            client.expectCounts("q", messages: 0)
            #expect(broker.shards[0].statistics.deadLetterCyclesDropped == 1)
            client.publish("y", routingKey: "q")
            broker.advance(milliseconds: 100)
            broker.advance(milliseconds: 100)
            #expect(broker.shards[0].statistics.deadLetterCyclesDropped == 2)
            #expect(broker.notes.filter { $0.text.contains("dead-letter cycle") }.count == 1)
        }
    }

    @Test func aRejectionOnTheWayMakesItNoCycle() throws {
        try converse { broker in
            let client = broker.connect()
            ring(client, timeToLive: 100)
            client.publish("x", routingKey: "q")
            broker.advance(milliseconds: 100)
            client.get("r", expecting: "x", tag: 1)
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            client.expectCounts("q", messages: 1)
            let (_, properties) = try #require(client.drainContent("q").first)
            guard case .array(let deaths)? = properties.headers?["x-death"] else {
                Issue.record("no deaths")
                return
            }
            let told: [[String?]] = deaths.map { death in
                guard case .table(let table) = death else { return [] }
                return [table["queue"]?.text, table["reason"]?.text]
            }
            #expect(told == [["r", "rejected"], ["q", "expired"]])
        }
    }

    @Test func aQueueThatIsItsOwnDeadLetterQueueKeepsWhatIsRejected() {
        converse { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: ["x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string("q")]))
            client.publish("x", routingKey: "q")
            for tag in 1...3 as ClosedRange<UInt64> {
                client.get(expecting: "x", tag: tag)
                client.send(BasicReject(deliveryTag: tag, requeue: false))
            }
            let properties = client.get(expecting: "x", tag: 4)
            guard case .array(let deaths)? = properties.headers?["x-death"], case .table(let death)? = deaths.first
            else {
                Issue.record("no deaths")
                return
            }
            #expect(deaths.count == 1 && death["count"] == .int64(3))
        }
    }

    /// Names are bytes.
    @Test func aCycleOfQueuesWhoseNamesAreNoTextIsOneToo() {
        converse { broker in
            let client = broker.connect()
            let names = [[0xFF, 1], [0xFF, 2]] as [[UInt8]]
            for (name, next) in [(names[0], names[1]), (names[1], names[0])] {
                client.declare(
                    QueueDeclare(
                        queue: ShortString(bytes: name),
                        arguments: [
                            "x-message-ttl": .int32(100), "x-dead-letter-exchange": .string(""),
                            "x-dead-letter-routing-key": .longString(next),
                        ]))
            }
            client.publish("x", routingKey: ShortString(bytes: names[0]))
            broker.advance(milliseconds: 100)
            client.expectCounts(ShortString(bytes: names[1]), messages: 1)
            broker.advance(milliseconds: 100)
            client.expectCounts(ShortString(bytes: names[0]), messages: 0)
            #expect(broker.shards[0].statistics.deadLetterCyclesDropped == 1)
        }
    }

    @Test func aCycleThroughAnExchangeThatRemembersIsOneToo() {
        converse { broker in
            let client = broker.connect()
            client.request(ExchangeDeclare(exchange: "x", type: "x-recent-history"), ExchangeDeclareOk())
            client.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: ["x-message-ttl": .int32(100), "x-dead-letter-exchange": .string("x")]))
            client.request(QueueBind(queue: "q", exchange: "x"), QueueBindOk())
            client.publish("x", routingKey: "q")
            broker.advance(milliseconds: 100)
            client.expectCounts(messages: 0)
            #expect(broker.shards[0].statistics.deadLetterCyclesDropped == 1)
            // Whom a client has rejected may come back.
            client.publish("y", routingKey: "q")
            client.get(expecting: "y", tag: 1)
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            client.expectCounts(messages: 1)
            client.send(ExchangeDelete(exchange: "x"))
            _ = client.expect(ExchangeDeleteOk.self)
        }
    }
}
