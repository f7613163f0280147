/// A message in a queue: 16 bytes a queue that holds it.
///
/// The message is in memory, or **paged out**: then the entry names it in the journal, or in the spill file. Message
/// blocks lie at even addresses, so the lowest bit tells.
struct QueueEntry: Equatable, BitwiseCopyable {
    /// The address of the message; or 1, in bit 1 whether it is in the spill file, and its name from bit 2 on.
    private var content: UInt64
    /// Place in the queue in the upper 56 bits, deliveries so far (up to 255) in the lower 8.
    private var placeAndDeliveries: UInt64

    init(message: Message, place: UInt64) {
        content = UInt64(UInt(bitPattern: message.memory))
        placeAndDeliveries = place << 8
    }

    init(pagedOut id: UInt64, isSpilled: Bool, place: UInt64, isRedelivered: Bool) {
        content = id << 2 | (isSpilled ? 3 : 1)
        placeAndDeliveries = place << 8 | (isRedelivered ? 1 : 0)
    }

    @inline(__always)
    var isPagedOut: Bool { content & 1 != 0 }
    var isSpilled: Bool { content & 3 == 3 }
    var pagedOutID: UInt64 { content >> 2 }

    /// - Precondition: it is not paged out.
    @inline(__always)
    var message: Message {
        Message(memory: UnsafeMutableRawPointer(bitPattern: UInt(content)).unsafelyUnwrapped)
    }

    mutating func pageOut(_ id: UInt64, isSpilled: Bool) { content = id << 2 | (isSpilled ? 3 : 1) }
    mutating func pageIn(_ message: Message) { content = UInt64(UInt(bitPattern: message.memory)) }

    /// Rises with every message that the queue accepts; a requeued message keeps its own.
    @inline(__always)
    var place: UInt64 { placeAndDeliveries >> 8 }
    @inline(__always)
    var isRedelivered: Bool { placeAndDeliveries & 0xFF != 0 }

    mutating func countDelivery() {
        if placeAndDeliveries & 0xFF != 0xFF { placeAndDeliveries += 1 }
    }
}
