import AMQPWire
import Broker
import Journal
import Testing

/// A journal without a disk and without a thread: a test says how far it is, and reads what it was given.
final class DrivenJournal {
    enum Pace {
        /// Nothing is written until the test says so.
        case held
        /// Written, and synced, as soon as somebody wants it, and only then.
        case onDemand
    }

    let progress: JournalProgress
    var pace: Pace
    private var lanes: [Lane]
    private var urgency = LaneUrgency.none
    /// How often it was synced because somebody wanted it.
    private(set) var syncCount = 0

    private struct Lane {
        var position: UInt64 = 0
        var sequence: UInt64 = 0
        var records: [LaneRecord] = []
    }

    init(shardCount: Int, pace: Pace = .held) {
        progress = JournalProgress(shardCount: shardCount)
        lanes = Array(repeating: Lane(), count: shardCount + 1)
        self.pace = pace
    }

    /// Called with everything that a lane is given, in order.
    var onTake: (_ lane: Int, _ records: [LaneRecord]) -> Void = { _, _ in }

    // MARK: From the shards

    /// The end of a shard's turn. Returns whether there was anything.
    func take(from shard: ShardState) -> Bool {
        guard let (records, position, sequence, urgency) = shard.takeLane() else { return false }
        self.urgency = max(self.urgency, urgency)
        append(records, to: shard.index, position)
        lanes[shard.index].sequence = sequence
        var spare = records
        spare.removeAll()
        shard.reuseLane(spare)
        return true
    }

    /// The journal's thread does this after it has taken the shards' lanes, and writes it before them.
    func take(from controlPlane: ControlPlane) -> Bool {
        let (records, position) = controlPlane.takeStateRecords()
        defer {
            var spare = records
            spare.deallocate()
        }
        guard !records.isEmpty else { return false }
        append(records, to: progress.stateLane, position)
        return true
    }

    private func append(_ buffer: LaneBuffer, to lane: Int, _ position: UInt64) {
        #expect(lanes[lane].position + UInt64(buffer.count) == position, "lane \(lane) counts wrong")
        lanes[lane].position = position
        do {
            let records = try LaneRecord.all(in: buffer)
            lanes[lane].records += records
            onTake(lane, records)
        } catch {
            Issue.record("lane \(lane): \(error)")
        }
    }

    // MARK: To the file

    /// Everything that was taken, of these lanes.
    func write(_ chosen: [Int]? = nil) {
        for lane in chosen ?? Array(lanes.indices) {
            progress.setWritten(lane, position: lanes[lane].position, sequence: lanes[lane].sequence)
        }
    }

    func sync(_ chosen: [Int]? = nil) {
        write(chosen)
        for lane in chosen ?? Array(lanes.indices) { progress.setSynced(lane, position: lanes[lane].position) }
        if chosen == nil { urgency = .none }
    }

    /// Does what was demanded; returns whether the shards are to be told.
    func serveDemand() -> Bool {
        guard pace == .onDemand, urgency != .none else { return false }
        if urgency == .sync {
            sync()
            syncCount += 1
        } else {
            write()
        }
        urgency = .none
        return true
    }

    // MARK: What was written

    /// The records of a lane since the last time, readably.
    func takeRecords(_ lane: Int) -> [String] {
        defer { lanes[lane].records = [] }
        return lanes[lane].records.flatMap(\.lines)
    }

    func takeStateRecords() -> [String] { takeRecords(progress.stateLane) }
}

extension LaneRecord {
    /// `message 0:1 of [1, 2]: body`, a settlement each.
    var lines: [String] {
        switch self {
        case .message(let id, let holders, let content):
            ["message \(name(id)) of \(holders): \(body(content))"]
        case .replacement(let id, let holders, let content, let settledID, let settledHolder):
            ["message \(name(id)) of \(holders) for \(name(settledID)) of \(settledHolder): \(body(content))"]
        case .settlements(let all): all.map { "settled \(name($0.id)) of \($0.holder)" }
        case .deliveryMark(let holder, let lane, _): ["mark of \(holder) in lane \(lane)"]
        case .delivered(let holder, let ids): ["delivered of \(holder): \(ids.map(name))"]
        case .deliveryCount(let holder, let id, let count): ["count of \(holder): \(name(id)) \(count)"]
        case .stateChange(let bytes): [step(bytes)]
        case .holderRemoved(let holder): ["removed \(holder)"]
        case .stateSnapshot: ["snapshot"]
        }
    }

    private func name(_ id: UInt64) -> String { "\(id & 63):\(id >> 6)" }

    private func body(_ content: [UInt8]) -> String {
        StoredMessage(content).map { String(decoding: $0.body, as: UTF8.self) } ?? "malformed"
    }

    private func step(_ bytes: [UInt8]) -> String {
        let step = bytes.withUnsafeBytes { bytes -> TopologyStep? in
            var reader = WireReader(bytes)
            let step = try? TopologyStep(from: &reader)
            return reader.remainingCount == 0 ? step : nil
        }
        return switch step {
        case nil: "malformed step"
        case .virtualHostAdded(let name): "virtual host \(name)"
        case .exchangeDeclared(_, let exchange): "exchange \(exchange.name)"
        case .exchangeDeleted(_, let name): "no exchange \(name)"
        case .queueDeclared(_, let queue): "queue \(queue.name) is \(queue.journalNumber)"
        case .queueDeleted(_, let name): "no queue \(name)"
        case .queuePaused(_, let name, let isPaused): "queue \(name) \(isPaused ? "is paused" : "goes on")"
        case .bound(_, let binding): "\(binding.source) to \(binding.destination)"
        case .policySet(_, let isOperator, let policy): "\(isOperator ? "operator " : "")policy \(policy.name)"
        case .policyCleared(_, let isOperator, let name): "no \(isOperator ? "operator " : "")policy \(name)"
        case .virtualHostChanged(let name, let metadata): "virtual host \(name): \(metadata.description)"
        case .virtualHostRemoved(let name): "no virtual host \(name)"
        case .permissionsSet(let host, let user, _): "permissions of \(user) in \(host)"
        case .permissionsCleared(let host, let user): "no permissions of \(user) in \(host)"
        case .access(.userSet(let user)): "user \(user.name)"
        case .access(.userRemoved(let name)): "no user \(name)"
        case .access(.topicPermissionsSet(let host, let user, let exchange, _)):
            "topic permissions of \(user) for \(exchange) in \(host)"
        case .access(.topicPermissionsCleared(let host, let user, let exchange)):
            "no topic permissions of \(user) for \(exchange) in \(host)"
        case .access(.parameterSet(let host, let name, _)): "parameter \(name.component)/\(name.name) in \(host)"
        case .access(.parameterCleared(let host, let name)):
            "no parameter \(name.component)/\(name.name) in \(host)"
        case .access(.globalParameterSet(let name, _)): "global parameter \(name)"
        case .access(.globalParameterCleared(let name)): "no global parameter \(name)"
        case .unbound(_, let binding): "no \(binding.source) to \(binding.destination)"
        }
    }
}

/// A message block as the journal keeps it, read by its description.
struct StoredMessage {
    let isPersistent: Bool
    let exchange: String
    let routingKey: String
    let body: [UInt8]

    init?(_ block: [UInt8]) {
        guard block.count >= 34 else { return nil }
        func number(_ offset: Int, _ count: Int) -> Int {
            block[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        let addressing = number(6, 2)
        let properties = number(8, 4)
        guard block.count == 32 + addressing + properties + number(12, 4), addressing >= 2 else { return nil }
        let exchangeEnd = 33 + Int(block[32])
        guard exchangeEnd < 32 + addressing, exchangeEnd + 1 + Int(block[exchangeEnd]) == 32 + addressing else {
            return nil
        }
        isPersistent = block[5] & 1 != 0
        exchange = String(decoding: block[33..<exchangeEnd], as: UTF8.self)
        routingKey = String(decoding: block[exchangeEnd + 1..<32 + addressing], as: UTF8.self)
        body = Array(block[(32 + addressing + properties)...])
    }
}
