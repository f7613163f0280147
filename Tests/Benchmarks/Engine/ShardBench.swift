import AMQPWire
import Broker

/// A shard with a publisher's and a consumer's connection, fed with encoded batches as sockets would.
final class ShardBench {
    private let shard: ShardState
    private let publisher: ConnectionAddress
    private let consumer: ConnectionAddress
    private let scenario: Scenario
    private var batch = OutboundBuffer()
    private var latestTag: UInt64 = 0

    private static let messagesPerBatch = 500

    init(_ scenario: Scenario) {
        self.scenario = scenario
        let now = Moment(monotonicMilliseconds: 0, wallSeconds: 0)
        shard = ShardState(
            index: 0, shardCount: 1, settings: BrokerSettings(),
            controlPlane: ControlPlane(shardCount: 1, virtualHost: "/"), seed: [1, 2, 3, 4], now: now)
        publisher = shard.openConnection(Peer(name: "publisher", isLoopback: true))
        consumer = shard.openConnection(Peer(name: "consumer", isLoopback: true))
        for address in [publisher, consumer] { send(address) { Self.writeHandshake(to: &$0) } }
        send(consumer) { buffer in
            for index in 0..<scenario.queueCount {
                let queue = ShortString(truncating: "queue-\(index)")
                QueueDeclare(queue: queue).writeFrame(channel: 1, to: &buffer)
                if !scenario.exchange.isEmpty {
                    QueueBind(queue: queue, exchange: scenario.exchange, routingKey: scenario.bindingKey)
                        .writeFrame(channel: 1, to: &buffer)
                }
                BasicConsume(queue: queue, noAck: !scenario.acks).writeFrame(channel: 1, to: &buffer)
            }
        }
        if scenario.confirms { send(publisher) { ConfirmSelect().writeFrame(channel: 1, to: &$0) } }
        let body = [UInt8](repeating: 0x78, count: scenario.bodyByteCount)
        for _ in 0..<Self.messagesPerBatch {
            BasicPublish(exchange: scenario.exchange, routingKey: scenario.routingKey)
                .writeFrame(channel: 1, to: &batch)
            body.withUnsafeBytes { bytes in
                [UInt8](repeating: 0, count: 2).withUnsafeBytes {
                    batch.writeHeaderFrame(channel: 1, bodyByteCount: bytes.count, properties: $0)
                }
                batch.writeBodyFrames(channel: 1, body: bytes, frameMax: 131_072)
            }
        }
    }

    private static func writeHandshake(to buffer: inout OutboundBuffer) {
        for byte in Array("AMQP".utf8) + [0, 0, 9, 1] { buffer.write(byte) }
        ConnectionStartOk(mechanism: "PLAIN", response: Array("\0guest\0guest".utf8), locale: "en_US")
            .writeFrame(channel: 0, to: &buffer)
        ConnectionTuneOk(channelMax: 2047, frameMax: 131_072, heartbeat: 0).writeFrame(channel: 0, to: &buffer)
        ConnectionOpen(virtualHost: "/").writeFrame(channel: 0, to: &buffer)
        ChannelOpen().writeFrame(channel: 1, to: &buffer)
    }

    /// Publishes at least `count` messages in whole batches; returns how many.
    @discardableResult
    func publish(_ count: Int) -> Int {
        var published = 0
        while published < count {
            shard.receive(publisher, batch.bytes)
            finishTurn()
            published += Self.messagesPerBatch
            if scenario.acks { acknowledge() }
        }
        return published
    }

    private func acknowledge() {
        let first = latestTag + 1
        latestTag += UInt64(Self.messagesPerBatch)
        let last = latestTag
        send(consumer) { buffer in
            for tag in first...last { BasicAck(deliveryTag: tag).writeFrame(channel: 1, to: &buffer) }
        }
    }

    private func send(_ address: ConnectionAddress, _ write: (inout OutboundBuffer) -> Void) {
        var buffer = OutboundBuffer()
        write(&buffer)
        shard.receive(address, buffer.bytes)
        buffer.deallocate()
        finishTurn()
    }

    private func finishTurn() {
        repeat {
            shard.finishTurn()
            while let address = shard.takeListedConnection() {
                if let output = shard.takeOutput(address) { output.memory.deallocate() }
            }
        } while shard.hasUnfinishedWork
        shard.notes.removeAll()
    }
}
