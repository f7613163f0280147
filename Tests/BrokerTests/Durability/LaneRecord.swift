import Journal

/// A record as the bytes of a lane say it: read here again from the format's description, byte by byte, and not with
/// what writes it.
enum LaneRecord: Equatable {
    case message(id: UInt64, holders: [UInt32], content: [UInt8])
    case replacement(id: UInt64, holders: [UInt32], content: [UInt8], settledID: UInt64, settledHolder: UInt32)
    case settlements([Settlement])
    case deliveryMark(holder: UInt32, lane: UInt32, sequence: UInt64)
    case delivered(holder: UInt32, ids: [UInt64])
    case deliveryCount(holder: UInt32, id: UInt64, count: UInt32)
    case stateChange([UInt8])
    case holderRemoved(UInt32)
    case stateSnapshot([UInt8])

    struct Settlement: Hashable {
        let id: UInt64
        let holder: UInt32
    }

    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    static func settled(_ id: UInt64, _ holder: UInt32) -> LaneRecord {
        .settlements([Settlement(id: id, holder: holder)])
    }

    /// Everything that a lane holds.
    static func all(in bytes: [UInt8]) throws -> [LaneRecord] {
        var records: [LaneRecord] = []
        var position = 0
        while position < bytes.count {
            guard position % 8 == 0 else { throw Malformed(description: "a record at \(position)") }
            var fields = LittleEndianReader(bytes[position...])
            let payloadCount = Int(try fields.number(4))
            let kind = UInt8(try fields.number(1))
            guard try fields.number(3) == 0, try fields.number(8) == 0 else {
                throw Malformed(description: "reserved bytes and CRCs of the record at \(position) are not zero")
            }
            var payload = LittleEndianReader(ArraySlice(try fields.take(payloadCount)))
            records.append(try LaneRecord(kind: kind, &payload))
            guard payload.isAtEnd else { throw Malformed(description: "too long a payload at \(position)") }
            let padding = (8 - payloadCount % 8) % 8
            guard try fields.take(padding).allSatisfy({ $0 == 0 }) else {
                throw Malformed(description: "padding of the record at \(position) is not zero")
            }
            position += 16 + payloadCount + padding
        }
        return records
    }

    static func all(in buffer: LaneBuffer) throws -> [LaneRecord] { try all(in: [UInt8](buffer.bytes)) }

    private init(kind: UInt8, _ payload: inout LittleEndianReader) throws {
        switch kind {
        case 2, 3:
            let id = try payload.number(8)
            let holderCount = Int(try payload.number(4))
            let contentCount = Int(try payload.number(4))
            var settled: (id: UInt64, holder: UInt32)?
            if kind == 3 {
                settled = (try payload.number(8), UInt32(try payload.number(4)))
                guard try payload.number(4) == 0 else { throw Malformed(description: "reserved bytes are not zero") }
            }
            let holders = try (0..<holderCount).map { _ in UInt32(try payload.number(4)) }
            if holderCount % 2 == 1, try payload.number(4) != 0 {
                throw Malformed(description: "padding of the holders is not zero")
            }
            let content = try payload.take(contentCount)
            if let settled {
                self = .replacement(
                    id: id, holders: holders, content: content, settledID: settled.id, settledHolder: settled.holder)
            } else {
                self = .message(id: id, holders: holders, content: content)
            }
        case 5:
            var all: [Settlement] = []
            while !payload.isAtEnd {
                all.append(Settlement(id: try payload.number(8), holder: UInt32(try payload.number(4))))
            }
            self = .settlements(all)
        case 6:
            self = .deliveryMark(
                holder: UInt32(try payload.number(4)), lane: UInt32(try payload.number(4)),
                sequence: try payload.number(8))
        case 7:
            let holder = UInt32(try payload.number(4))
            let count = Int(try payload.number(4))
            self = .delivered(holder: holder, ids: try (0..<count).map { _ in try payload.number(8) })
        case 8: self = .stateChange(payload.takeAll())
        case 9: self = .holderRemoved(UInt32(try payload.number(4)))
        case 10:
            let holder = UInt32(try payload.number(4))
            let count = UInt32(try payload.number(4))
            self = .deliveryCount(holder: holder, id: try payload.number(8), count: count)
        case 11: self = .stateSnapshot(payload.takeAll())
        default: throw Malformed(description: "kind \(kind)")
        }
    }
}

private struct LittleEndianReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ count: Int) throws -> [UInt8] {
        guard rest.count >= count else { throw LaneRecord.Malformed(description: "too few bytes") }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func takeAll() -> [UInt8] {
        defer { rest = [] }
        return Array(rest)
    }

    mutating func number(_ byteCount: Int) throws -> UInt64 {
        try take(byteCount).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
