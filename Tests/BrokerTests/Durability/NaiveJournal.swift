import AMQPWire
import Broker
import Journal
import Routing
import Testing

/// What a journal's records mean, as dictionaries: what recovery finds in them.
struct NaiveJournal {
    struct Stored {
        let order: Int
        let content: [UInt8]
        var holders: Set<UInt32>
    }

    private struct Deliveries {
        var marks: [Int: UInt64] = [:]
        var ids: Set<UInt64> = []
        var hasNewMarks = false
        var counts: [UInt64: UInt32] = [:]
    }

    private(set) var messages: [UInt64: Stored] = [:]
    private var early: Set<LaneRecord.Settlement> = []
    private var deliveries: [UInt32: Deliveries] = [:]
    private(set) var snapshot: [UInt8]?
    private(set) var changes: [[UInt8]] = []
    /// No message and no mark has this sequence or a higher one.
    private(set) var nextSequence: UInt64 = 1
    private var count = 0

    init(_ records: some Sequence<LaneRecord>) {
        for record in records { apply(record) }
    }

    private mutating func apply(_ record: LaneRecord) {
        count += 1
        switch record {
        case .message(let id, let holders, let content): insert(id, holders, content)
        case .replacement(let id, let holders, let content, let settledID, let settledHolder):
            insert(id, holders, content)
            settle(LaneRecord.Settlement(id: settledID, holder: settledHolder))
        case .settlements(let all): for one in all { settle(one) }
        case .deliveryMark(let holder, let lane, let sequence):
            var known = deliveries[holder] ?? Deliveries()
            known.marks[Int(lane)] = max(known.marks[Int(lane)] ?? 0, sequence)
            known.hasNewMarks = true
            deliveries[holder] = known
            nextSequence = max(nextSequence, sequence + 1)
        case .delivered(let holder, let ids):
            var known = deliveries[holder] ?? Deliveries()
            if known.hasNewMarks { known = Deliveries(counts: known.counts) }
            known.ids.formUnion(ids)
            deliveries[holder] = known
        case .deliveryCount(let holder, let id, let count):
            deliveries[holder, default: Deliveries()].counts[id] = count
        case .stateChange(let bytes): changes.append(bytes)
        case .holderRemoved(let holder):
            for (id, message) in messages where message.holders.contains(holder) {
                settle(LaneRecord.Settlement(id: id, holder: holder))
            }
        case .stateSnapshot(let bytes):
            snapshot = bytes
            changes = []
        }
    }

    private mutating func insert(_ id: UInt64, _ holders: [UInt32], _ content: [UInt8]) {
        #expect(messages[id] == nil, "\(id) is used twice")
        #expect(!holders.isEmpty && Set(holders).count == holders.count && !holders.contains(0))
        nextSequence = max(nextSequence, MessageID.sequence(id) + 1)
        let left = holders.filter { early.remove(LaneRecord.Settlement(id: id, holder: $0)) == nil }
        if !left.isEmpty { messages[id] = Stored(order: count, content: content, holders: Set(left)) }
    }

    private mutating func settle(_ settlement: LaneRecord.Settlement) {
        guard messages[settlement.id] != nil else {
            early.insert(settlement)
            return
        }
        messages[settlement.id]?.holders.remove(settlement.holder)
        if messages[settlement.id]?.holders.isEmpty == true { messages[settlement.id] = nil }
    }

    // MARK: What recovery asks

    var topology: DurableTopology {
        do {
            return try DurableTopology(snapshot: snapshot, changes: changes)
        } catch {
            Issue.record("the topology cannot be read: \(error)")
            return DurableTopology()
        }
    }

    var inOrder: [(id: UInt64, message: Stored)] {
        messages.map { ($0.key, $0.value) }.sorted { $0.message.order < $1.message.order }
    }

    func mayHaveBeenDelivered(_ id: UInt64, by holder: UInt32) -> Bool {
        guard let known = deliveries[holder] else { return false }
        return known.ids.contains(id) || MessageID.sequence(id) <= known.marks[MessageID.lane(id)] ?? 0
    }

    /// What a queue holds after recovery, in order.
    func contents(of holder: UInt32) -> [QueuedMessage] {
        inOrder.filter { $0.message.holders.contains(holder) }.map { id, message in
            QueuedMessage(
                body: StoredMessage(message.content).map { String(decoding: $0.body, as: UTF8.self) } ?? "malformed",
                isRedelivered: mayHaveBeenDelivered(id, by: holder))
        }
    }

    /// Makes shards what the journal says, as the node does at its start.
    func recover(_ controlPlane: ControlPlane, _ shards: [ShardState]) {
        let (queues, problems) = controlPlane.recover(topology, shards: shards)
        #expect(problems == [])
        for (id, message) in inOrder {
            for holder in message.holders {
                guard let address = queues[holder] else { continue }
                let isRedelivered = mayHaveBeenDelivered(id, by: holder)
                let deliveryCount = Int(deliveries[holder]?.counts[id] ?? 0)
                let isTaken = shards[address.shard].recoverMessage(
                    id, of: address, byteCount: message.content.count, isRedelivered: isRedelivered,
                    deliveryCount: deliveryCount)
                if isTaken { continue }
                message.content.withUnsafeBytes {
                    shards[address.shard].recoverMessage(
                        id, of: address, content: $0, isRedelivered: isRedelivered, deliveryCount: deliveryCount)
                }
            }
        }
        for shard in shards { shard.finishRecovery(nextSequence: nextSequence) }
    }
}

struct QueuedMessage: Equatable, CustomStringConvertible {
    let body: String
    let isRedelivered: Bool

    var description: String { isRedelivered ? "\(body) again" : body }
}
