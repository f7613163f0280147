/// The form of everything in a segment behind its header: records, one behind the other. Reader and writer share this
/// file; all numbers are little-endian.
///
///     0   payload     UInt32   byte count of the payload
///     4   kind        UInt8    `RecordKind`
///     5   reserved    3 bytes  zero
///     8   payload CRC UInt32   CRC32C of the payload
///     12  header CRC  UInt32   CRC32C of bytes 0 to 11, begun with the segment's seed and the record's position
///     16  payload, then zeros up to a multiple of 8 bytes
///
/// The seed is random and new each time a segment is used, so neither what a recycled segment held before nor anything
/// a client publishes is taken for a record. A record's position is its offset in the log as a whole.
package enum Record {
    package static let headerByteCount = 16
    /// Every record begins at a multiple of this.
    package static let alignment = 8

    /// The bytes a record takes, header and padding included.
    @inline(__always)
    package static func byteCount(payload: Int) -> Int { (headerByteCount + payload + 7) & ~7 }

    // Offsets within a header.
    static let kindOffset = 4
    static let payloadCRCOffset = 8
    static let headerCRCOffset = 12
}

/// What a record says. The payloads:
///
/// A message belongs to its **holders**, the durable queues that it was routed to, by their journal numbers. It lives
/// until all of them have settled it. What its content means, and what a state change means, the journal does not know.
package enum RecordKind: UInt8, Sendable {
    /// The first record of every write. `synced UInt64`: what was on stable storage when it was written, as a position.
    case batch = 1
    /// `id UInt64, holder count UInt32, content byte count UInt32, holders UInt32 each (zero-padded to 8 bytes),
    /// content`.
    case message = 2
    /// A message that takes the place of another, as one step: the other's holder has settled it. As `message`, with
    /// `settled id UInt64, settled holder UInt32, reserved UInt32` before the holders.
    case replacement = 3
    /// A message that was moved forward so that its segment can be used again. As `message`, with `order UInt64`, the
    /// position of its first record, before the holders, which are those that have not settled it yet.
    case moved = 4
    /// `id UInt64, holder UInt32` for each settlement, 12 bytes. Settling twice, or what is unknown, means nothing.
    case settlements = 5
    /// `holder UInt32, lane UInt32, sequence UInt64`: messages of this lane up to this sequence may have been delivered
    /// by this holder. The highest counts.
    case deliveryMark = 6
    /// `holder UInt32, count UInt32, id UInt64 each`: the holder's marks are void, of its messages only these were
    /// delivered. Written when the node stops in order. Several for one holder add up unless `deliveryMark` comes
    /// between.
    case delivered = 7
    /// Bytes for the owner of the state: a step of the topology.
    case stateChange = 8
    /// `holder UInt32`: the queue is gone, and its messages with it.
    case holderRemoved = 9
    /// `holder UInt32, count UInt32, id UInt64`: so many deliveries of the message to the holder's consumers failed.
    case deliveryCount = 10
    /// Not written to segments: the state as a whole, handed to the journal for its next checkpoint.
    case stateSnapshot = 11
    /// The last record of a segment: the log goes on in the next one.
    case end = 12

    /// The highest number of a kind.
    static let last = RecordKind.end
}

/// Names a message as long as it lives: the lane that published it in the lower 6 bits, above them a sequence that
/// rises by one with each of the lane's messages. Never used again.
package enum MessageID {
    @inlinable
    package static var laneBits: UInt64 { 6 }
    package static let laneLimit = 1 << 6
    /// Sequences stay below, so that there is always room for the next.
    package static let sequenceLimit: UInt64 = 1 << 57

    @inlinable
    @inline(__always)
    package static func make(lane: Int, sequence: UInt64) -> UInt64 { sequence << laneBits | UInt64(lane) }
    @inlinable
    @inline(__always)
    package static func lane(_ id: UInt64) -> Int { Int(id & (1 << laneBits - 1)) }
    @inlinable
    @inline(__always)
    package static func sequence(_ id: UInt64) -> UInt64 { id >> laneBits }
}
