/// A message in a queue: 16 bytes a queue that holds it.
///
/// The message is in memory, or **paged out**: then the entry names it in the journal, or in the spill file. Message
/// blocks lie at even addresses, so the lowest bit tells. An entry that was taken out of the middle is **removed**: it
/// stays as a hole until its turn.
struct QueueEntry: Equatable, BitwiseCopyable, HeapElement {
    /// The address of the message; or 1, in bit 1 whether it is in the spill file, and its name from bit 2 on; or 0.
    private var content: UInt64
    /// Place in the queue in the upper 46 bits, which a million messages a second fill in two years; then whether a
    /// header is hidden from who gets the message; then, where the queue counts them, deliveries that came back without
    /// having failed, in 6, and those that failed, in 10; then whether it was delivered before.
    private var placeAndDeliveries: UInt64

    private static var placeShift: UInt64 { 18 }
    private static var hiddenBit: UInt64 { 1 << 17 }
    private static var returnsShift: UInt64 { 11 }
    private static var deliveriesMask: UInt64 { hiddenBit - 1 }
    /// What more deliveries than can be counted are.
    static var deliveryCountLimit: Int { (1 << 10) - 1 }
    static var returnCountLimit: Int { (1 << 6) - 1 }

    init(message: Message, place: UInt64) {
        content = UInt64(UInt(bitPattern: message.memory))
        placeAndDeliveries = place << Self.placeShift
    }

    init(pagedOut id: UInt64, isSpilled: Bool, place: UInt64, isRedelivered: Bool, deliveryCount: Int = 0) {
        content = id << 2 | (isSpilled ? 3 : 1)
        let count = UInt64(min(max(deliveryCount, 0), Self.deliveryCountLimit))
        placeAndDeliveries = place << Self.placeShift | count << 1 | (isRedelivered || count > 0 ? 1 : 0)
    }

    @inline(__always)
    var isPagedOut: Bool { content & 1 != 0 }
    var isSpilled: Bool { content & 3 == 3 }
    var pagedOutID: UInt64 { content >> 2 }

    var isRemoved: Bool { content == 0 }
    var isInMemory: Bool { !isPagedOut && !isRemoved }
    mutating func remove() { content = 0 }

    /// - Precondition: it is neither paged out nor removed.
    @inline(__always)
    var message: Message {
        Message(memory: UnsafeMutableRawPointer(bitPattern: UInt(content)).unsafelyUnwrapped)
    }

    mutating func pageOut(_ id: UInt64, isSpilled: Bool) { content = id << 2 | (isSpilled ? 3 : 1) }
    mutating func pageIn(_ message: Message) { content = UInt64(UInt(bitPattern: message.memory)) }

    /// Rises with every message that the queue accepts; a requeued message keeps its own.
    @inline(__always)
    var place: UInt64 { placeAndDeliveries >> Self.placeShift }
    @inline(__always)
    var isRedelivered: Bool { placeAndDeliveries & Self.deliveriesMask != 0 }
    /// Deliveries that failed, in a queue that counts them; it does so up to a limit.
    @inline(__always)
    var deliveryCount: Int { Int(placeAndDeliveries >> 1) & Self.deliveryCountLimit }
    /// How often it came back to a queue that counts it (RabbitMQ: `acquired_count`); so many times it was given to
    /// somebody before.
    var acquiredCount: Int { deliveryCount + returnCount }
    private var returnCount: Int { Int(placeAndDeliveries >> Self.returnsShift) & Self.returnCountLimit }

    /// Whether it is delivered for the first time, and just as it was published.
    @inline(__always)
    var isPlain: Bool { placeAndDeliveries & (Self.hiddenBit | Self.deliveriesMask) == 0 }
    /// Whether what is delivered is not simply what was published.
    @inline(__always)
    var isRewritten: Bool { placeAndDeliveries & (Self.hiddenBit | Self.deliveriesMask & ~1) != 0 }
    /// The message has a header `BCC`.
    var hidesCopies: Bool { placeAndDeliveries & Self.hiddenBit != 0 }
    mutating func hideCopies() { placeAndDeliveries |= Self.hiddenBit }

    func precedes(_ other: QueueEntry) -> Bool { place < other.place }

    mutating func markRedelivered() { placeAndDeliveries |= 1 }
    mutating func countDelivery() {
        if deliveryCount < Self.deliveryCountLimit { placeAndDeliveries += 2 }
    }
    mutating func countReturn() {
        if returnCount < Self.returnCountLimit { placeAndDeliveries += 1 << Self.returnsShift }
    }
}
