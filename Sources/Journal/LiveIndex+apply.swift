/// A record's message, as its payload says. Checked against the payload's byte count, and nothing more.
struct MessageRecord {
    let id: UInt64
    /// Position of its first record; nil where this is it.
    let order: UInt64?
    let holderCount: Int
    let holders: UnsafeRawPointer
    let content: UnsafeRawBufferPointer
    /// What a replacement settles.
    let settled: (id: UInt64, holder: UInt32)?

    static let holderLimit = 1 << 24

    /// Nil if the counts do not fit the payload.
    @inline(__always)
    init?(_ form: MessageForm, _ payload: UnsafeRawPointer, byteCount: Int) {
        let extra = form.extraByteCount
        guard byteCount >= 24 + extra else { return nil }
        id = payload.loadUnaligned(as: UInt64.self)
        holderCount = Int(payload.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        let contentByteCount = Int(payload.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        let prefix = form.prefixByteCount(holders: holderCount)
        guard holderCount > 0, holderCount <= Self.holderLimit, prefix + contentByteCount == byteCount else {
            return nil
        }
        holders = payload + 16 + extra
        content = UnsafeRawBufferPointer(start: payload + prefix, count: contentByteCount)
        order = form == .moved ? payload.loadUnaligned(fromByteOffset: 16, as: UInt64.self) : nil
        settled =
            form == .replacement
            ? (
                payload.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
                payload.loadUnaligned(fromByteOffset: 24, as: UInt32.self)
            ) : nil
    }
}

extension LiveIndex {
    /// Takes in a record that is in the log. False if its payload is not what its kind says.
    @inline(__always)
    func apply(
        _ kind: UInt8, _ payload: UnsafeRawPointer, byteCount: Int, position: UInt64,
        _ counters: UnsafeMutablePointer<SegmentCounters>
    ) -> Bool {
        if kind == RecordKind.message.rawValue {
            return applyMessage(.message, payload, byteCount, position, counters)
        }
        if kind == RecordKind.settlements.rawValue { return applySettlements(payload, byteCount) }
        return applyOther(kind, payload, byteCount, position, counters)
    }

    @inline(__always)
    private func applyMessage(
        _ form: MessageForm, _ payload: UnsafeRawPointer, _ byteCount: Int, _ position: UInt64,
        _ counters: UnsafeMutablePointer<SegmentCounters>
    ) -> Bool {
        guard let message = MessageRecord(form, payload, byteCount: byteCount) else { return false }
        insert(
            id: message.id, location: position, form: form, holders: message.holders,
            holderCount: message.holderCount, contentByteCount: UInt32(truncatingIfNeeded: message.content.count),
            counters)
        return true
    }

    @inline(__always)
    private func applySettlements(_ payload: UnsafeRawPointer, _ byteCount: Int) -> Bool {
        guard byteCount % 12 == 0 else { return false }
        var pair = payload
        let end = payload + byteCount
        while pair < end {
            settle(pair.loadUnaligned(as: UInt64.self), pair.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            pair += 12
        }
        return true
    }

    @inline(never)
    private func applyOther(
        _ kind: UInt8, _ payload: UnsafeRawPointer, _ byteCount: Int, _ position: UInt64,
        _ counters: UnsafeMutablePointer<SegmentCounters>
    ) -> Bool {
        switch RecordKind(rawValue: kind) {
        case .replacement:
            guard let message = MessageRecord(.replacement, payload, byteCount: byteCount),
                let settled = message.settled, applyMessage(.replacement, payload, byteCount, position, counters)
            else { return false }
            settle(settled.id, settled.holder)
            return true
        case .moved:
            guard let message = MessageRecord(.moved, payload, byteCount: byteCount), let order = message.order,
                applyMessage(.moved, payload, byteCount, position, counters)
            else { return false }
            if let entry = find(message.id), entry.pointee.location == position {
                counters.pointee.segment.moved.append(MovedMessage(id: message.id, order: order))
            }
            return true
        case .deliveryMark, .delivered, .holderRemoved, .deliveryCount:
            return applyToHolder(kind, payload, byteCount)
        case .batch, .end, .stateChange: return true
        default: return false
        }
    }

    private func applyToHolder(_ kind: UInt8, _ payload: UnsafeRawPointer, _ byteCount: Int) -> Bool {
        guard byteCount >= 4 else { return false }
        let holder = payload.loadUnaligned(as: UInt32.self)
        if kind == RecordKind.holderRemoved.rawValue {
            removeHolder(holder)
            return true
        }
        guard byteCount >= 8 else { return false }
        let number = payload.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
        if kind == RecordKind.deliveryMark.rawValue {
            guard byteCount == 16, number < MessageID.laneLimit else { return false }
            let sequence = payload.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            // Reserved ahead of what has come: new sequences begin above it, else what they name seems delivered.
            if sequence <= MessageID.sequenceLimit { highestSequence.raise(to: sequence) }
            marks.mark(holder, lane: Int(number), sequence: sequence)
            return true
        }
        if kind == RecordKind.deliveryCount.rawValue {
            guard byteCount == 16 else { return false }
            marks.count(holder, payload.loadUnaligned(fromByteOffset: 8, as: UInt64.self), number)
            return true
        }
        guard byteCount == 8 + Int(number) * 8 else { return false }
        let ids = (0..<Int(number)).map { payload.loadUnaligned(fromByteOffset: 8 + $0 * 8, as: UInt64.self) }
        marks.addDelivered(holder, ids)
        return true
    }
}
