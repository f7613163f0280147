import AMQPWire
import Testing

@testable import Broker

/// What queues with limits, priorities and expiry are after a restart.
@Suite struct QueueRecoveryTests {
    private func store(_ client: ConversationClient, _ body: String, priority: UInt8 = 0, expiration: Int? = nil) {
        var properties = BasicProperties.persistent
        if priority > 0 { properties.priority = priority }
        if let expiration { properties.expiration = ShortString(truncating: "\(expiration)") }
        client.publish(body, routingKey: "q", properties: properties)
    }

    @Test func prioritiesKeepTheirOrder() {
        let node = KilledBroker()
        node.live { broker in
            let client = broker.durableQueue(arguments: ["x-max-priority": .int32(9)], confirms: false)
            for number in 0..<50 { store(client, "\(number)", priority: UInt8(number % 10)) }
            broker.syncJournal()
        }
        node.live { broker in
            let client = broker.connect()
            client.expectCounts(messages: 50)
            store(client, "new", priority: 5)
            let expected = (0..<10).reversed().flatMap { priority in
                (0..<5).map { "\($0 * 10 + priority)" } + (priority == 5 ? ["new"] : [])
            }
            #expect(client.drain() == expected)
        }
    }

    @Test func whatExpiredMeanwhileIsGone() {
        let node = KilledBroker()
        node.live { broker in
            let client = broker.durableQueue(arguments: ["x-message-ttl": .int32(10_000)], confirms: false)
            store(client, "a")
            store(client, "b", expiration: 2000)
            broker.advance(milliseconds: 1000)
            store(client, "c")
            broker.syncJournal()
        }
        node.live { broker in
            let client = broker.connect()
            // The clock of this run begins where that of the last one did.
            broker.advance(milliseconds: 2000)
            client.expectCounts(messages: 2)
            broker.advance(milliseconds: 8000)
            client.expectCounts(messages: 1)
            #expect(client.drain() == ["c"])
        }
    }

    @Test func bytesAreCountedAgain() {
        let node = KilledBroker()
        node.live { broker in
            let client = broker.durableQueue(arguments: ["x-max-length-bytes": .int32(10)], confirms: false)
            for body in ["1111", "2222", "33"] { store(client, body) }
            broker.syncJournal()
        }
        node.live { broker in
            let client = broker.connect()
            client.expectCounts(messages: 3)
            store(client, "4")
            #expect(client.drain() == ["2222", "33", "4"])
        }
    }

    @Test func anUnusedQueueHasItsTimeAgain() {
        let node = KilledBroker()
        node.live { broker in _ = broker.durableQueue(arguments: ["x-expires": .int32(1000)], confirms: false) }
        node.live { broker in
            let client = broker.connect()
            broker.advance(milliseconds: 999)
            client.expectCounts(messages: 0)
            broker.advance(milliseconds: 1000)
            broker.syncJournal()
            client.send(QueueDeclare(queue: "q", passive: true))
            client.expectChannelClose(404, "NOT_FOUND - no queue 'q' in vhost '/'", of: QueueDeclare.self)
        }
    }

    @Test func policiesHoldForWhatWasThereBefore() {
        let node = KilledBroker()
        node.live { broker in
            let policy = Policy(
                name: "p", pattern: "^q$", target: .all, priority: 0, definition: ["max-length-bytes": .int64(10)])
            #expect(throws: Never.self) { try broker.controlPlane.setPolicy(policy, virtualHost: "/") }
            let client = broker.durableQueue(arguments: [:], confirms: false)
            for body in ["1111", "2222", "33"] { store(client, body) }
            broker.syncJournal()
        }
        node.live { broker in
            let client = broker.connect()
            client.expectCounts(messages: 3)
            store(client, "4")
            #expect(client.drain() == ["2222", "33", "4"])
        }
    }
}
