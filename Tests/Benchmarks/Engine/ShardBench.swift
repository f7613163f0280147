import AMQPWire
import Broker
import Journal

/// A shard with a publisher's and a consumer's connection, fed with encoded batches as sockets would.
final class ShardBench {
    private let controlPlane: ControlPlane
    /// How far the journal is; it keeps up without a disk.
    private let progress: JournalProgress?
    private let shard: ShardState
    private let publisher: ConnectionAddress
    private let consumer: ConnectionAddress
    private let scenario: Scenario
    private var batch = OutboundBuffer()
    private var latestTag: UInt64 = 0
    private var acks = OutboundBuffer()

    private static let messagesPerBatch = 500

    init(_ scenario: Scenario) {
        self.scenario = scenario
        let now = Moment(monotonicMilliseconds: 0, wallSeconds: 0)
        controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        progress = scenario.isPersistent ? JournalProgress(shardCount: 1) : nil
        if scenario.isPersistent { controlPlane.beginJournaling() }
        shard = ShardState(
            index: 0, shardCount: 1, settings: BrokerSettings(), controlPlane: controlPlane, seed: [1, 2, 3, 4],
            now: now, progress: progress)
        publisher = shard.openConnection(Peer(name: "publisher", isLoopback: true))
        consumer = shard.openConnection(Peer(name: "consumer", isLoopback: true))
        for address in [publisher, consumer] { send(address) { Self.writeHandshake(to: &$0) } }
        for index in 0..<scenario.queueCount {
            let queue = ShortString(truncating: "queue-\(index)")
            send(consumer) {
                QueueDeclare(queue: queue, durable: scenario.isPersistent).writeFrame(channel: 1, to: &$0)
            }
            for key in scenario.bindingKeys {
                send(consumer) { buffer in
                    QueueBind(
                        queue: queue, exchange: scenario.exchange, routingKey: key, arguments: scenario.headers
                    ).writeFrame(channel: 1, to: &buffer)
                }
            }
            guard scenario.isConsumed else { continue }
            send(consumer) { BasicConsume(queue: queue, noAck: !scenario.acks).writeFrame(channel: 1, to: &$0) }
        }
        if scenario.confirms { send(publisher) { ConfirmSelect().writeFrame(channel: 1, to: &$0) } }
        writeBatch()
    }

    private func writeBatch() {
        var properties = BasicProperties()
        if scenario.isPersistent { properties.deliveryMode = 2 }
        if scenario.exchange == "amq.headers" { properties.headers = scenario.headers }
        let body = [UInt8](repeating: 0x78, count: scenario.bodyByteCount)
        for index in 0..<Self.messagesPerBatch {
            let key = scenario.routingKeys[index % scenario.routingKeys.count]
            if scenario.hasMessageIDs { properties.messageID = ShortString(truncating: "message-\(10_000 + index)") }
            var encoded = OutboundBuffer()
            defer { encoded.deallocate() }
            properties.write(to: &encoded)
            BasicPublish(exchange: scenario.exchange, routingKey: key).writeFrame(channel: 1, to: &batch)
            batch.writeHeaderFrame(channel: 1, bodyByteCount: body.count, properties: encoded.bytes)
            body.withUnsafeBytes { batch.writeBodyFrames(channel: 1, body: $0, frameMax: 131_072) }
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
    func publish(_ count: Int) -> Int {
        var published = 0
        while published < count {
            shard.receive(publisher, batch.bytes)
            finishTurn()
            serveJournal()
            published += Self.messagesPerBatch
            if scenario.acks { acknowledge() }
            if !scenario.isConsumed { purge() }
        }
        return published
    }

    /// So that memory stays what it is.
    private func purge() {
        send(consumer) { QueuePurge(queue: "queue-0").writeFrame(channel: 1, to: &$0) }
    }

    /// The journal's side: everything is on stable storage at once.
    private func serveJournal() {
        guard let progress else { return }
        var state = controlPlane.takeStateRecords()
        progress.setSynced(1, position: state.position)
        state.records.deallocate()
        guard let (taken, position, sequence, _) = shard.takeLane() else { return }
        progress.setWritten(0, position: position, sequence: sequence)
        progress.setSynced(0, position: position)
        var records = taken
        records.removeAll()
        shard.reuseLane(records)
        shard.journalAdvanced()
        finishTurn()
    }

    /// Each delivery for itself. Only the tags of the frames are written anew: what is measured is the shard.
    private func acknowledge() {
        if acks.isEmpty {
            for _ in 0..<Self.messagesPerBatch { BasicAck().writeFrame(channel: 1, to: &acks) }
        }
        let frames = UnsafeMutableRawBufferPointer(mutating: acks.bytes)
        let frameByteCount = acks.count / Self.messagesPerBatch
        // Behind the frame's head, class and method.
        for offset in stride(from: 11, to: acks.count, by: frameByteCount) {
            latestTag += 1
            frames.storeBytes(of: latestTag.bigEndian, toByteOffset: offset, as: UInt64.self)
        }
        shard.receive(consumer, acks.bytes)
        finishTurn()
        serveJournal()
    }

    private func send(_ address: ConnectionAddress, _ write: (inout OutboundBuffer) -> Void) {
        var buffer = OutboundBuffer()
        write(&buffer)
        shard.receive(address, buffer.bytes)
        buffer.deallocate()
        finishTurn()
        serveJournal()
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
