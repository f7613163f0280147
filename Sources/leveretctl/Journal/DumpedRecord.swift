import Broker
import JSON
import Journal

/// One record as `leveretctl journal dump` prints it.
struct DumpedRecord {
    enum CRCState: String { case sound, headerDamaged, payloadDamaged }

    /// In the log as a whole.
    let position: UInt64
    let file: String
    let offset: Int
    /// `RecordKind`, or what is not one; nil without a right header.
    let kind: UInt8?
    /// With header and padding.
    let byteCount: Int
    let crc: CRCState
    let payload: UnsafeRawBufferPointer
    /// A message that is alive, and has its place here.
    var isLive = false

    /// A line of JSON, without a line break. Of a damaged record only the place is told: nothing that fails its CRC is
    /// believed.
    func line(_ queues: QueueNames = QueueNames()) -> String {
        var line = JSONObject()
        line.add("position", position)
        line.add("file", file)
        line.add("offset", offset)
        let known = kind.flatMap { RecordKind(rawValue: $0) }
        if let known { line.add("kind", known.text) } else if let kind { line.add("kind", kind) }
        line.add("byteCount", byteCount)
        line.add("crc", crc.rawValue)
        guard crc == .sound else {
            if isLive { line.add("live", true) }
            return line.compact
        }
        let told = line
        do throws(Malformed) {
            guard let known else { throw Malformed() }
            var reader = PayloadReader(payload)
            try describe(known, queues, &reader, &line)
        } catch {
            line = told
            line.add("malformed", true)
        }
        return line.compact
    }

    private func describe(
        _ kind: RecordKind, _ queues: QueueNames, _ reader: inout PayloadReader, _ line: inout JSONObject
    ) throws(Malformed) {
        switch kind {
        case .batch: line.add("synced", try reader.readUInt64())
        case .message, .replacement, .moved: try describeMessage(kind, queues, &reader, &line)
        case .settlements:
            var settlements: [JSONObject] = []
            while !reader.isAtEnd {
                var settlement = JSONObject()
                settlement.add("id", try reader.readUInt64())
                try Self.describeHolder(queues, &reader, &settlement)
                settlements.append(settlement)
            }
            line.add("settlements", settlements)
        case .deliveryMark:
            try Self.describeHolder(queues, &reader, &line)
            line.add("lane", try reader.readUInt32())
            line.add("sequence", try reader.readUInt64())
        case .deliveryCount:
            try Self.describeHolder(queues, &reader, &line)
            line.add("count", try reader.readUInt32())
            line.add("id", try reader.readUInt64())
        case .delivered:
            try Self.describeHolder(queues, &reader, &line)
            let count = Int(try reader.readUInt32())
            guard count * 8 == reader.remainingCount else { throw Malformed() }
            var ids: [UInt64] = []
            for _ in 0..<count { ids.append(try reader.readUInt64()) }
            line.append("ids", .array(ids.map { .number($0) }))
        case .stateChange:
            guard let step = TopologyStep(reader.readRest()) else { throw Malformed() }
            step.describe(to: &line)
        case .stateSnapshot: throw Malformed()
        case .holderRemoved: try Self.describeHolder(queues, &reader, &line)
        case .end: break
        }
        guard reader.isAtEnd else { throw Malformed() }
    }

    private static func describeHolder(
        _ queues: QueueNames, _ reader: inout PayloadReader, _ line: inout JSONObject
    ) throws(Malformed) {
        let holder = try reader.readUInt32()
        line.add("holder", holder)
        if let queue = queues[holder] { line.add("queue", queue) }
    }

    private func describeMessage(
        _ kind: RecordKind, _ queues: QueueNames, _ reader: inout PayloadReader, _ line: inout JSONObject
    ) throws(Malformed) {
        let id = try reader.readUInt64()
        let holderCount = Int(try reader.readUInt32())
        let contentByteCount = Int(try reader.readUInt32())
        line.add("id", id)
        line.add("lane", MessageID.lane(id))
        line.add("sequence", MessageID.sequence(id))
        if kind == .replacement {
            line.add("settledID", try reader.readUInt64())
            let holder = try reader.readUInt32()
            line.add("settledHolder", holder)
            if let queue = queues[holder] { line.add("settledQueue", queue) }
            _ = try reader.readUInt32()
        } else if kind == .moved {
            line.add("order", try reader.readUInt64())
        }
        let holderByteCount = (holderCount * 4 + 7) & ~7
        guard holderByteCount + contentByteCount == reader.remainingCount else { throw Malformed() }
        var holders: [UInt32] = []
        for _ in 0..<holderCount { holders.append(try reader.readUInt32()) }
        if holderByteCount > holderCount * 4 { _ = try reader.readUInt32() }
        line.append("holders", .array(holders.map { .number($0) }))
        let named = holders.map { queues[$0] }
        // What is not known is `null`.
        if named.contains(where: { $0 != nil }) {
            line.append("queues", .array(named.map { $0.map { .object($0) } ?? .null }))
        }
        line.add("live", isLive)
        line.add("contentByteCount", contentByteCount)
        guard let summary = MessageSummary(reader.readRest()) else { return }
        var message = JSONObject()
        message.add("exchange", bytes: summary.exchange)
        message.add("routingKey", bytes: summary.routingKey)
        message.add("persistent", summary.isPersistent)
        message.add("propertiesByteCount", summary.propertiesByteCount)
        message.add("bodyByteCount", summary.bodyByteCount)
        line.add("message", message)
    }
}

extension DumpedRecord {
    init(_ record: JournalInspection.InspectedRecord, file: String) {
        let crc: CRCState =
            record.kindNumber == nil ? .headerDamaged : record.payload == nil ? .payloadDamaged : .sound
        self.init(
            position: record.position, file: file, offset: record.offset, kind: record.kindNumber,
            byteCount: record.byteCount, crc: crc,
            payload: record.payload ?? UnsafeRawBufferPointer(start: nil, count: 0), isLive: record.isLive)
    }
}

/// A payload that its kind does not allow.
private struct Malformed: Error {}

/// Little-endian numbers, one behind the other, none of them believed to be there.
private struct PayloadReader {
    private var rest: UnsafeRawBufferPointer

    init(_ payload: UnsafeRawBufferPointer) { rest = payload }

    var isAtEnd: Bool { rest.isEmpty }
    var remainingCount: Int { rest.count }

    mutating func readUInt32() throws(Malformed) -> UInt32 { UInt32(littleEndian: try read()) }
    mutating func readUInt64() throws(Malformed) -> UInt64 { UInt64(littleEndian: try read()) }

    mutating func readRest() -> UnsafeRawBufferPointer {
        defer { rest = UnsafeRawBufferPointer(start: nil, count: 0) }
        return rest
    }

    private mutating func read<Number: FixedWidthInteger & BitwiseCopyable>() throws(Malformed) -> Number {
        guard rest.count >= MemoryLayout<Number>.size else { throw Malformed() }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[MemoryLayout<Number>.size...]) }
        return rest.loadUnaligned(as: Number.self)
    }
}
