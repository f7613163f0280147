import AMQPWire

/// A message as a shard keeps it: one block of memory, written once, read by every queue and consumer that gets it.
///
///     0   references  UInt32   how many hold it; only the shard that published it counts
///     4   shard       UInt8    that shard
///     5   flags       UInt8    bit 0: persistent (delivery mode 2); bit 1: its x-death header is this broker's;
///                              bit 2: it lies in a `PageBlock`; bit 3: it has passed a gate
///     6   addressing  UInt16   byte count of exchange and routing key, both as shortstr
///     8   properties  UInt32   byte count of property flags and values
///     12  body        UInt32   byte count of the body
///     16  id          UInt64   its name in the journal (`MessageID`); 0 when it is not journaled
///     24  published   6 bytes  milliseconds since 1970
///     30  priority    UInt8    as the publisher said it, 0 without
///     31  care        UInt8    `MessageCare`: what its queues have to look at
///     32  addressing, properties, body: the bytes, in this order, as on the wire
///
/// Source of the wire forms: AMQP 0-9-1 section 4.2.6. The block is immutable once it is published, so other shards
/// read it through the pointer; they give it back to its shard by mailbox (`MailboxRecord.release`).
package struct Message: Equatable, BitwiseCopyable, @unchecked Sendable {
    static let headByteCount = 32

    let memory: UnsafeMutableRawPointer

    init(memory: UnsafeMutableRawPointer) { self.memory = memory }

    /// To look at what the journal kept; nil when it is no message. Valid as long as the bytes are.
    init?(recovered bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count >= Self.headByteCount else { return nil }
        memory = UnsafeMutableRawPointer(mutating: base)
        guard byteCount == bytes.count, addressingByteCount >= 2 else { return nil }
    }

    @inline(__always)
    var references: UInt32 {
        get { memory.load(as: UInt32.self) }
        nonmutating set { memory.storeBytes(of: newValue, as: UInt32.self) }
    }
    @inline(__always)
    var shard: Int { Int(memory.load(fromByteOffset: 4, as: UInt8.self)) }
    @inline(__always)
    private var flags: UInt8 {
        get { memory.load(fromByteOffset: 5, as: UInt8.self) }
        nonmutating set { memory.storeBytes(of: newValue, toByteOffset: 5, as: UInt8.self) }
    }
    var isPersistent: Bool { flags & 1 != 0 }
    /// Whether its memory is part of a block that was read back.
    @inline(__always)
    var isInBlock: Bool { flags & 4 != 0 }
    /// The block, for a message that lies in one: its address stands before the message.
    var block: UnsafeMutablePointer<PageBlock> { (memory - 8).load(as: UnsafeMutablePointer<PageBlock>.self) }

    /// What was read back has its first owner.
    func adopt(shard: Int, block: UnsafeMutablePointer<PageBlock>) {
        references = 1
        memory.storeBytes(of: UInt8(truncatingIfNeeded: shard), toByteOffset: 4, as: UInt8.self)
        flags |= 4
        (memory - 8).storeBytes(of: block, as: UnsafeMutablePointer<PageBlock>.self)
    }
    /// A client's own x-death header is not continued (RabbitMQ since 3.13).
    var hasDied: Bool { flags & 2 != 0 }
    func markDied() {
        flags |= 2
    }
    /// It has passed the gate of an exchange that remembers what passed: it passes such gates only once, or loops of
    /// exchanges would never end.
    var hasPassedGate: Bool { flags & 8 != 0 }
    func markPassedGate() {
        flags |= 8
    }
    /// What the journal kept is a shard's again.
    func takeOver(shard: Int, id: UInt64) {
        references = 1
        memory.storeBytes(of: UInt8(truncatingIfNeeded: shard), toByteOffset: 4, as: UInt8.self)
        flags &= ~4
        self.id = id
    }
    @inline(__always)
    var addressingByteCount: Int { Int(memory.load(fromByteOffset: 6, as: UInt16.self)) }
    func setAddressingByteCount(_ count: Int) {
        memory.storeBytes(of: UInt16(truncatingIfNeeded: count), toByteOffset: 6, as: UInt16.self)
    }
    @inline(__always)
    var propertiesByteCount: Int { Int(memory.load(fromByteOffset: 8, as: UInt32.self)) }
    @inline(__always)
    var bodyByteCount: Int { Int(memory.load(fromByteOffset: 12, as: UInt32.self)) }
    /// Its name in the journal; 0 when it is not there.
    var id: UInt64 {
        get { memory.load(fromByteOffset: 16, as: UInt64.self) }
        nonmutating set { memory.storeBytes(of: newValue, toByteOffset: 16, as: UInt64.self) }
    }

    @inline(__always)
    var byteCount: Int { byteCount(withBody: bodyByteCount) }

    /// What it would take with another body.
    @inline(__always)
    func byteCount(withBody bodyByteCount: Int) -> Int {
        Self.headByteCount + addressingByteCount + propertiesByteCount + bodyByteCount
    }

    /// Writes the head; the parts are filled in by the caller.
    @inline(__always)
    static func initialise(
        _ memory: UnsafeMutableRawPointer, shard: Int, isPersistent: Bool, story: MessageStory,
        addressingByteCount: Int, propertiesByteCount: Int, bodyByteCount: Int
    ) -> Message {
        memory.storeBytes(of: 1, as: UInt32.self)
        memory.storeBytes(of: UInt8(truncatingIfNeeded: shard), toByteOffset: 4, as: UInt8.self)
        memory.storeBytes(of: isPersistent ? 1 : 0, toByteOffset: 5, as: UInt8.self)
        memory.storeBytes(of: UInt16(truncatingIfNeeded: addressingByteCount), toByteOffset: 6, as: UInt16.self)
        memory.storeBytes(of: UInt32(truncatingIfNeeded: propertiesByteCount), toByteOffset: 8, as: UInt32.self)
        memory.storeBytes(of: UInt32(truncatingIfNeeded: bodyByteCount), toByteOffset: 12, as: UInt32.self)
        memory.storeBytes(of: 0, toByteOffset: 16, as: UInt64.self)
        memory.storeBytes(of: story.bits, toByteOffset: 24, as: UInt64.self)
        return Message(memory: memory)
    }

    /// The rest of a head that was copied from another message's.
    @inline(__always)
    func begin(bodyByteCount: Int, _ story: MessageStory) {
        memory.storeBytes(of: UInt32(truncatingIfNeeded: bodyByteCount), toByteOffset: 12, as: UInt32.self)
        memory.storeBytes(of: story.bits, toByteOffset: 24, as: UInt64.self)
    }

    @inline(__always)
    private var story: MessageStory { MessageStory(bits: memory.load(fromByteOffset: 24, as: UInt64.self)) }

    /// When it was published, in milliseconds since 1970.
    var publishedMilliseconds: UInt64 { story.publishedMilliseconds }
    var priority: UInt8 { story.priority }
    @inline(__always)
    var care: MessageCare { story.care }

    /// What its publisher wants it to live, in milliseconds: the property `expiration`, which was checked.
    var expirationMilliseconds: UInt64? {
        guard care.contains(.expiration), let view = try? BasicPropertiesView(validating: properties) else {
            return nil
        }
        return UInt64(String(decoding: view.expiration, as: UTF8.self))
    }

    @inline(__always)
    var addressing: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: memory + Self.headByteCount, count: addressingByteCount)
    }
    @inline(__always)
    var properties: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: memory + Self.headByteCount + addressingByteCount, count: propertiesByteCount)
    }
    @inline(__always)
    var bodyMemory: UnsafeMutableRawPointer {
        memory + Self.headByteCount + addressingByteCount + propertiesByteCount
    }
    @inline(__always)
    var body: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bodyMemory, count: bodyByteCount) }

    /// The whole block: what the journal keeps.
    @inline(__always)
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: byteCount) }

    /// Whether nothing but name, time and body tells them apart.
    @inline(__always)
    func isLike(_ other: Message) -> Bool {
        // Shard, flags and addressing's size; at the end priority and care.
        guard memory.load(fromByteOffset: 4, as: UInt32.self) == other.memory.load(fromByteOffset: 4, as: UInt32.self),
            propertiesByteCount == other.propertiesByteCount,
            memory.load(fromByteOffset: 30, as: UInt16.self) == other.memory.load(fromByteOffset: 30, as: UInt16.self)
        else { return false }
        return sameBytes(
            memory + Self.headByteCount, other.memory + Self.headByteCount, addressingByteCount + propertiesByteCount)
    }

    /// Makes a message of another's addressing and properties, and of a body. It has no name.
    ///
    /// - Parameter memory: room for it.
    init(_ memory: UnsafeMutableRawPointer, like other: Message, milliseconds: UInt64, body: UnsafeRawBufferPointer) {
        self.memory = memory
        let start = Self.headByteCount + other.addressingByteCount + other.propertiesByteCount
        memory.copyMemory(from: other.memory, byteCount: start)
        begin(bodyByteCount: body.count, other.story.published(later: milliseconds))
        id = 0
        if let source = body.baseAddress { (memory + start).copyMemory(from: source, byteCount: body.count) }
    }

    @inline(__always)
    var content: ContentView { ContentView(addressing: addressing, properties: properties, body: body) }

    var exchange: UnsafeRawBufferPointer { addressing.addressedExchange }
    var routingKey: UnsafeRawBufferPointer { addressing.addressedKey }
}
