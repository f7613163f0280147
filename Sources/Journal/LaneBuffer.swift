#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Records of one lane, as its shard makes them: complete but for the CRCs, which the journal fills in when it knows
/// their positions. Handed whole to the journal's thread at the end of a turn.
///
/// It is a plain value around a pointer: whoever holds it last calls `deallocate`.
package struct LaneBuffer: @unchecked Sendable {
    package private(set) var base: UnsafeMutableRawPointer?
    package private(set) var count = 0
    package private(set) var capacity = 0
    /// Offset of the settlements record that is still being filled, which must be the last one.
    private var openSettlements = -1

    package init() {}

    package var isEmpty: Bool { count == 0 }
    package var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: base, count: count) }

    /// Appends a record's header and returns where its payload goes; the padding is zero already.
    @inline(__always)
    private mutating func begin(_ kind: RecordKind, payload: Int) -> UnsafeMutableRawPointer {
        let size = Record.byteCount(payload: payload)
        if capacity - count < size { grow(size) }
        let record = base.unsafelyUnwrapped + count
        // The last 8 bytes before everything else: the padding is among them.
        (record + size - 8).storeBytes(of: 0, as: UInt64.self)
        record.storeBytes(
            of: UInt64(UInt32(truncatingIfNeeded: payload)) | UInt64(kind.rawValue) << 32, as: UInt64.self)
        (record + 8).storeBytes(of: 0, as: UInt64.self)
        count += size
        openSettlements = -1
        return record + Record.headerByteCount
    }

    @inline(never)
    private mutating func grow(_ byteCount: Int) {
        var wanted = max(capacity * 2, 4096)
        while wanted - count < byteCount { wanted *= 2 }
        guard let grown = realloc(base, wanted) else { fatalError("out of memory for \(wanted) bytes of journal") }
        base = grown
        capacity = wanted
    }

    /// A message and the durable queues it goes to, at least one.
    package mutating func appendMessage(
        id: UInt64, holders: UnsafeBufferPointer<UInt32>, content: UnsafeRawBufferPointer
    ) {
        let holderByteCount = (holders.count * 4 + 7) & ~7
        let payload = begin(.message, payload: 16 + holderByteCount + content.count)
        writeMessage(payload, id, holders, holderByteCount, extra: 0, content)
    }

    /// A message in place of another, which `settledHolder` settles in the same step.
    package mutating func appendReplacement(
        id: UInt64, holders: UnsafeBufferPointer<UInt32>, content: UnsafeRawBufferPointer, settledID: UInt64,
        settledHolder: UInt32
    ) {
        let holderByteCount = (holders.count * 4 + 7) & ~7
        let payload = begin(.replacement, payload: 32 + holderByteCount + content.count)
        writeMessage(payload, id, holders, holderByteCount, extra: 16, content)
        (payload + 16).storeBytes(of: settledID, as: UInt64.self)
        (payload + 24).storeBytes(of: UInt64(settledHolder), as: UInt64.self)
    }

    /// A message that is written again so that its segment can be used again, by the journal itself. `order`: the
    /// position of its first record.
    mutating func appendMoved(
        id: UInt64, order: UInt64, holders: UnsafeBufferPointer<UInt32>, content: UnsafeRawBufferPointer
    ) {
        let holderByteCount = (holders.count * 4 + 7) & ~7
        let payload = begin(.moved, payload: 24 + holderByteCount + content.count)
        writeMessage(payload, id, holders, holderByteCount, extra: 8, content)
        (payload + 16).storeBytes(of: order, as: UInt64.self)
    }

    @inline(__always)
    private func writeMessage(
        _ payload: UnsafeMutableRawPointer, _ id: UInt64, _ holders: UnsafeBufferPointer<UInt32>,
        _ holderByteCount: Int, extra: Int, _ content: UnsafeRawBufferPointer
    ) {
        payload.storeBytes(of: id, as: UInt64.self)
        (payload + 8).storeBytes(
            of: UInt64(UInt32(truncatingIfNeeded: holders.count))
                | UInt64(UInt32(truncatingIfNeeded: content.count)) << 32, as: UInt64.self)
        let list = payload + 16 + extra
        (list + holderByteCount - 8).storeBytes(of: 0, as: UInt64.self)
        for index in 0..<holders.count { list.storeBytes(of: holders[index], toByteOffset: index * 4, as: UInt32.self) }
        if let source = content.baseAddress {
            (list + holderByteCount).copyMemory(from: source, byteCount: content.count)
        }
    }

    /// Settlements that follow each other share a record.
    package mutating func appendSettlement(id: UInt64, holder: UInt32) {
        let record = openSettlements
        if record >= 0, extendSettlements(record, id, holder) { return }
        let payload = begin(.settlements, payload: 12)
        payload.storeBytes(of: id, as: UInt64.self)
        (payload + 8).storeBytes(of: holder, as: UInt32.self)
        openSettlements = count - Record.byteCount(payload: 12)
    }

    private static let settlementsByteLimit = 65_536

    @inline(__always)
    private mutating func extendSettlements(_ record: Int, _ id: UInt64, _ holder: UInt32) -> Bool {
        let payload = Int(base.unsafelyUnwrapped.load(fromByteOffset: record, as: UInt32.self))
        guard payload < Self.settlementsByteLimit else { return false }
        let size = Record.byteCount(payload: payload + 12)
        if record + size > capacity { grow(16) }
        let header = base.unsafelyUnwrapped + record
        (header + size - 8).storeBytes(of: 0, as: UInt64.self)
        let end = header + Record.headerByteCount + payload
        end.storeBytes(of: UInt32(truncatingIfNeeded: id), as: UInt32.self)
        (end + 4).storeBytes(of: UInt32(truncatingIfNeeded: id >> 32), as: UInt32.self)
        (end + 8).storeBytes(of: holder, as: UInt32.self)
        header.storeBytes(of: UInt32(truncatingIfNeeded: payload + 12), as: UInt32.self)
        count = record + size
        return true
    }

    package mutating func appendDeliveryMark(holder: UInt32, lane: Int, sequence: UInt64) {
        let payload = begin(.deliveryMark, payload: 16)
        payload.storeBytes(of: UInt64(holder) | UInt64(lane) << 32, as: UInt64.self)
        (payload + 8).storeBytes(of: sequence, as: UInt64.self)
    }

    package mutating func appendDelivered(holder: UInt32, ids: [UInt64]) {
        let payload = begin(.delivered, payload: 8 + ids.count * 8)
        payload.storeBytes(of: UInt64(holder) | UInt64(ids.count) << 32, as: UInt64.self)
        ids.withUnsafeBytes { source in
            if let base = source.baseAddress { (payload + 8).copyMemory(from: base, byteCount: source.count) }
        }
    }

    package mutating func appendDeliveryCount(holder: UInt32, id: UInt64, count: UInt32) {
        let payload = begin(.deliveryCount, payload: 16)
        payload.storeBytes(of: UInt64(holder) | UInt64(count) << 32, as: UInt64.self)
        (payload + 8).storeBytes(of: id, as: UInt64.self)
    }

    package mutating func appendHolderRemoved(_ holder: UInt32) {
        begin(.holderRemoved, payload: 4).storeBytes(of: holder, as: UInt32.self)
    }

    package mutating func appendStateChange(_ change: UnsafeRawBufferPointer) { appendState(.stateChange, change) }
    package mutating func appendStateSnapshot(_ state: UnsafeRawBufferPointer) { appendState(.stateSnapshot, state) }

    private mutating func appendState(_ kind: RecordKind, _ bytes: UnsafeRawBufferPointer) {
        let payload = begin(kind, payload: bytes.count)
        if let source = bytes.baseAddress { payload.copyMemory(from: source, byteCount: bytes.count) }
    }

    /// Appends another buffer's records.
    package mutating func append(_ other: LaneBuffer) {
        guard let source = other.base, other.count > 0 else { return }
        if capacity - count < other.count { grow(other.count) }
        (base.unsafelyUnwrapped + count).copyMemory(from: source, byteCount: other.count)
        count += other.count
        openSettlements = -1
    }

    /// Forgets the records and keeps the memory.
    package mutating func removeAll() {
        count = 0
        openSettlements = -1
    }

    package mutating func deallocate() {
        free(base)
        self = LaneBuffer()
    }
}
