/// What a message says of itself that queues may have to act on, as it lies in its head: 8 bytes.
struct MessageStory: BitwiseCopyable {
    let bits: UInt64

    private static let millisecondsMask: UInt64 = 1 << 48 - 1

    init(bits: UInt64) { self.bits = bits }

    @inline(__always)
    init(publishedMilliseconds: UInt64, priority: UInt8 = 0, care: MessageCare = MessageCare(rawValue: 0)) {
        bits =
            publishedMilliseconds & Self.millisecondsMask | UInt64(priority) << 48 | UInt64(care.rawValue) << 56
    }

    func published(later milliseconds: UInt64) -> MessageStory { MessageStory(bits: bits &+ milliseconds) }

    var publishedMilliseconds: UInt64 { bits & Self.millisecondsMask }
    var priority: UInt8 { UInt8(truncatingIfNeeded: bits >> 48) }
    @inline(__always)
    var care: MessageCare { MessageCare(rawValue: UInt8(truncatingIfNeeded: bits >> 56)) }
}

/// What makes a message need more than a plain place in a queue.
struct MessageCare: OptionSet, BitwiseCopyable {
    let rawValue: UInt8

    /// It has an expiration of its own.
    static let expiration = MessageCare(rawValue: 1)
    /// It was dead-lettered with a routing key of the queue's: the header CC routes it no more.
    static let routedByKeyAlone = MessageCare(rawValue: 2)
    /// It has a header `BCC`, which routes it again, and which nobody gets to see.
    static let hidesCopies = MessageCare(rawValue: 4)
}
