import AMQPWire
import Routing
import Testing

@testable import Broker

/// Which queues came and went, for who keeps a list of them.
@Suite struct QueueSetTests {
    @Test func queuesThatComeAndGoAreRememberedOnceSomebodyAsks() throws {
        try converse(shards: 2) { broker in
            let plane = broker.controlPlane
            try plane.addVirtualHost("other", creator: "guest")
            let client = broker.connect()
            let other = broker.connect(shard: 1, virtualHost: "other")
            client.declare(QueueDeclare(queue: "before"))
            #expect(plane.takeQueueSetChanges() == nil)
            #expect(plane.takeQueueSetChanges()?.map(Self.text) == [])
            client.declare(QueueDeclare(queue: "q", exclusive: true))
            client.declare(QueueDeclare(queue: "q", exclusive: true))
            client.request(QueueDelete(queue: "before"), QueueDeleteOk(messageCount: 0))
            other.declare(QueueDeclare(queue: "r"))
            #expect(plane.takeQueueSetChanges()?.map(Self.text) == ["0+q", "0-before", "1+r"])
            try plane.deleteVirtualHost("other")
            client.close()
            #expect(plane.takeQueueSetChanges()?.map(Self.text) == ["1", "0-q"])
        }
    }

    @Test func tooManyAreNotRemembered() {
        var log = QueueSetLog()
        let change = QueueSetChange.removed(virtualHost: 0, name: "q")
        #expect(log.take() == nil)
        for _ in 0..<Limit.queueSetChanges { log.note(change) }
        #expect(log.take()?.count == Limit.queueSetChanges)
        for _ in 0...Limit.queueSetChanges { log.note(change) }
        log.note(change)
        #expect(log.take() == nil)
        log.note(change)
        #expect(log.take()?.count == 1)
    }

    private static func text(_ change: QueueSetChange) -> String {
        switch change {
        case .added(let host, let queue): "\(host)+\(queue.name)"
        case .removed(let host, let name): "\(host)-\(name)"
        case .virtualHostRemoved(let host): "\(host)"
        }
    }
}
