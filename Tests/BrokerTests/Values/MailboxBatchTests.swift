import AMQPWire
import Routing
import Testing

@testable import Broker

struct MailboxBatchTests {
    private func run(consumer: UInt32, usesLease: Bool = false, queue: UInt32 = 1) -> DeliverRun {
        let connection = ConnectionAddress(slot: 4, generation: 1, shard: 1)
        return DeliverRun(
            channel: ChannelAddress(connection: connection, number: 1, serial: 1), consumerIndex: 0, noAck: true,
            usesLease: usesLease, queue: QueueAddress(shard: 0, slot: queue, generation: 1),
            consumer: ConsumerReference(slot: consumer, serial: 9))
    }

    private func entry(_ place: UInt64) -> QueueEntry { QueueEntry(message: fakeMessage(Int(place)), place: place) }

    /// What comes out at the other end: records in their order, each with its elements.
    private func contents(_ batch: MailboxBatch) -> [String] {
        var found: [String] = []
        guard var position = batch.records.bytes.baseAddress else { return [] }
        let end = position + batch.records.count
        while position < end {
            let head = position.load(as: RecordHead.self)
            let record = position + MemoryLayout<RecordHead>.stride
            position += Int(head.byteCount)
            switch head.kind {
            case .deliver:
                let run = record.load(as: DeliverRun.self)
                let places = DeliverRun.elements(of: record, until: position).map { "\($0.place)" }
                found.append(
                    "q\(run.queue.slot) c\(run.consumer.slot)\(run.usesLease ? " lease" : ""): "
                        + places.joined(separator: " "))
            case .releases:
                let messages = ReleaseRun.elements(of: record, until: position)
                found.append(
                    "release \(messages.map { "\(Int(bitPattern: $0.memory) / 64 - 1)" }.joined(separator: " "))")
            case .windowCredit: found.append("credit \(record.load(as: WindowCreditRecord.self).byteCount)")
            default: found.append("\(head.kind)")
            }
        }
        return found
    }

    private func credit(_ byteCount: Int) -> WindowCreditRecord {
        WindowCreditRecord(
            connection: ConnectionAddress(slot: 1, generation: 1, shard: 0), byteCount: byteCount)
    }

    @Test func whatFollowsOfTheSameConsumerIsSaidOnce() {
        let batch = MailboxBatch(source: 0)
        for place in 1...3 { batch.append(entry(UInt64(place)), to: run(consumer: 7)) }
        let one = batch.records.count
        batch.append(entry(4), to: run(consumer: 7))
        #expect(batch.records.count == one + MemoryLayout<QueueEntry>.stride)
        let more = (5...300).map { entry($0) }
        more.withUnsafeBufferPointer { batch.append($0, to: run(consumer: 7)) }
        #expect(contents(batch) == ["q1 c7: " + (1...300).map { "\($0)" }.joined(separator: " ")])
    }

    /// Nothing overtakes: a run ends where anything else comes.
    @Test func theOrderIsKept() {
        let batch = MailboxBatch(source: 0)
        batch.append(entry(1), to: run(consumer: 1))
        batch.append(entry(2), to: run(consumer: 2))
        batch.append(entry(3), to: run(consumer: 1))
        batch.append(credit(10))
        batch.append(entry(4), to: run(consumer: 1))
        batch.append(entry(5), to: run(consumer: 1, usesLease: true))
        batch.append(entry(6), to: run(consumer: 1, usesLease: true, queue: 2))
        batch.append(fakeMessage(8), to: ReleaseRun())
        batch.append(fakeMessage(9), to: ReleaseRun())
        batch.append(ReleaseRecord(message: fakeMessage(10), count: 2))
        batch.append(fakeMessage(11), to: ReleaseRun())
        batch.append(credit(20))
        #expect(
            contents(batch) == [
                "q1 c1: 1", "q1 c2: 2", "q1 c1: 3", "credit 10", "q1 c1: 4", "q1 c1 lease: 5", "q2 c1 lease: 6",
                "release 8 9", "release", "release 11", "credit 20",
            ])
    }

    @Test func anEmptyPieceIsARunOfNothing() {
        let batch = MailboxBatch(source: 0)
        batch.append(UnsafeBufferPointer<QueueEntry>(start: nil, count: 0), to: run(consumer: 1))
        batch.append(credit(1))
        #expect(contents(batch) == ["q1 c1: ", "credit 1"])
    }
}
