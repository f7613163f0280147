import AMQPWire
import Broker
import Console
import JSON
import Journal

/// Reads a journal from its beginning to its end, and checks all of it.
///
/// First as a broker's start would, then every record of every segment in use: a start reads only what came after the
/// checkpoint.
struct JournalWalk: ~Copyable {
    private let directory: String
    private let inspection: JournalInspection
    private var progress: WalkProgress
    private(set) var check = JournalCheck()
    private(set) var queues = QueueNames()
    /// The state in the checkpoint.
    private var snapshot: DurableTopology?

    /// Does what a start would do, but for writing.
    init(_ journal: borrowing JournalDirectory, tellsProgress: Bool = true) throws(ControlError) {
        var progress = WalkProgress(isSilent: !tellsProgress)
        let opened: JournalInspection
        do throws(JournalError) {
            opened = try JournalInspection(directory: journal.path, disk: SystemDisk()) {
                progress.report("read", doneByteCount: $0.byteCount, totalByteCount: $0.totalByteCount)
            }
        } catch {
            throw journal.cannotRead(error)
        }
        inspection = opened
        directory = journal.path
        self.progress = progress
        takeReport()
        takeTopology()
    }

    deinit { inspection.close() }

    private mutating func takeReport() {
        let report = inspection.recovery.report
        check.checkpoint = inspection.checkpoint.map { .init(generation: $0.generation, position: $0.position) }
        check.segmentCount = inspection.segments.count
        check.segmentByteCount = inspection.segments.reduce(0) { $0 + $1.byteCount }
        check.liveMessageCount = report.liveMessageCount
        check.tornByteCount = report.tornByteCount
        for sentence in report.damagedFiles {
            let short = sentence.split(separator: "\(directory)/", omittingEmptySubsequences: false).joined()
            check.add(.init(file: nil, offset: nil, position: nil, reason: short))
        }
    }

    /// A broker does not start on a topology that it cannot read.
    private mutating func takeTopology() {
        let recovery = inspection.recovery
        do throws(WireError) {
            snapshot = try recovery.stateSnapshot.map { bytes throws(WireError) in
                try DurableTopology(snapshot: bytes, changes: [])
            }
        } catch {
            let path = inspection.checkpoint?.path ?? ""
            check.add(
                .init(
                    file: Self.name(path), offset: nil, position: nil,
                    reason: "its topology is not of this version's form: a broker does not start on it"))
        }
        do throws(WireError) {
            check.topology = try DurableTopology(snapshot: recovery.stateSnapshot, changes: recovery.stateChanges)
        } catch {
            check.topology = nil
        }
        countOrphans()
        for topology in [snapshot, check.topology] {
            for (host, content) in topology?.virtualHosts ?? [:] {
                for queue in content.queues.values { queues.add(queue, virtualHost: host) }
            }
        }
    }

    /// A broker drops messages whose queues were deleted, or lost with the topology.
    private mutating func countOrphans() {
        guard let topology = check.topology else { return }
        var known: Set<UInt32> = []
        for host in topology.virtualHosts.values {
            for queue in host.queues.values { known.insert(queue.journalNumber) }
        }
        var count = 0
        inspection.forEachLiveMessage { message in
            if !message.holders.contains(where: { known.contains($0.holder) }) { count += 1 }
        }
        check.orphanCount = count
    }

    /// The checkpoint's state, a line for each step that makes it.
    var snapshotLines: [String] {
        guard let snapshot, let checkpoint = inspection.checkpoint else { return [] }
        return snapshot.steps.map { step in
            var line = JSONObject()
            line.add("position", checkpoint.position)
            line.add("file", Self.name(checkpoint.path))
            line.add("kind", RecordKind.stateSnapshot.text)
            step.describe(to: &line)
            return line.compact
        }
    }

    /// - Parameters:
    ///   - verb: what happens to the bytes, for the progress.
    ///   - onRecord: gets every record in the journal's order; its payload is valid during the call only.
    mutating func run(_ verb: String, onRecord: (DumpedRecord, QueueNames) -> Void) throws(ControlError) {
        let totalByteCount = inspection.segments.reduce(0) { $0 + Int($1.end - $1.base) }
        var doneByteCount = 0
        var reportedByteCount = 0
        var damagedPositions: Set<UInt64> = []
        do throws(JournalError) {
            try inspection.forEachRecord { record in
                if let damage = take(record) {
                    damagedPositions.insert(record.position)
                    check.add(damage)
                }
                onRecord(DumpedRecord(record, file: Self.name(record.path)), queues)
                doneByteCount += record.byteCount
                if doneByteCount - reportedByteCount >= 1 << 20 {
                    reportedByteCount = doneByteCount
                    progress.report(verb, doneByteCount: doneByteCount, totalByteCount: totalByteCount)
                }
                return true
            }
        } catch {
            throw ControlError("\(error); copy the journal to a disk that can be read, and look there")
        }
        for found in inspection.recovery.report.quarantined where !damagedPositions.contains(found.position) {
            check.add(
                .init(
                    file: Self.name(found.path), offset: found.offset, position: found.position, reason: found.reason))
        }
    }

    /// Counts a record. Returns what is wrong with it.
    private mutating func take(_ record: JournalInspection.InspectedRecord) -> JournalCheck.Damage? {
        if record.isLive { check.liveByteCount += record.byteCount } else { check.deadByteCount += record.byteCount }
        if record.condition == .whole, let kind = record.kind {
            check.records[kind, default: .init()].count += 1
            check.records[kind, default: .init()].byteCount += record.byteCount
            guard kind == .stateChange, let payload = record.payload else { return nil }
            if let step = TopologyStep(payload) {
                queues.add(step)
                return nil
            }
        }
        return JournalCheck.Damage(
            file: Self.name(record.path), offset: record.offset, position: record.position, reason: reason(record))
    }

    private func reason(_ record: JournalInspection.InspectedRecord) -> String {
        let kind = record.kind?.text ?? "unknown kind \(record.kindNumber ?? 0)"
        let life = record.isLive ? "live " : record.kind.map(Self.isMessage) == true ? "dead " : ""
        switch record.condition {
        case .strange:
            let loss = record.isLive ? " (\(Quantity.count(record.liveMessageCount, "live message")))" : ""
            return "no right record header in \(Quantity.count(record.byteCount, "byte"))\(loss)"
        case .damaged where record.payload == nil: return "the payload fails its CRC (\(life)\(kind))"
        case .damaged: return "the payload is not what its kind says (\(life)\(kind))"
        case .whole: return "not a step of the topology that this version knows: a broker does not start on it"
        }
    }

    private static func isMessage(_ kind: RecordKind) -> Bool {
        kind == .message || kind == .replacement || kind == .moved
    }

    private static func name(_ path: String) -> String {
        String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...])
    }
}

extension TopologyStep {
    /// nil when the bytes are not a step of this version.
    init?(_ payload: UnsafeRawBufferPointer) {
        var reader = WireReader(payload)
        guard let step = try? TopologyStep(from: &reader) else { return nil }
        self = step
    }
}
