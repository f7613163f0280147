import AMQPWire
import Journal
import Routing

/// A queue on its owner shard: messages that wait, consumers that take them in turn.
///
/// It decides who gets what and when; it sends nothing. `nextDelivery` is asked until it says no. After every event
/// that ends so, either no message waits or no consumer has credit.
struct QueueState {
    let address: QueueAddress
    let name: ShortString
    let virtualHost: ShortString
    let virtualHostIndex: Int
    let isAutoDelete: Bool
    /// The effective ones: declared, and by policy.
    var arguments: QueueArguments
    /// nil for a queue without expiry, limits, priorities or deduplication.
    var extras: UnsafeMutablePointer<QueueExtras>?
    /// Its number in the journal; 0 when its messages are not journaled.
    var holder: UInt32 = 0

    var ready: ReadyList
    /// Delivered and not yet settled, over all channels.
    var unackedCount = 0
    private var latestPlace: UInt64 = 0

    // Consumers, by slot.
    private(set) var credits: UnsafeMutablePointer<ConsumerCredit>?
    private var creditCapacity = 0
    private(set) var descriptions: [ConsumerDescription?] = []
    private(set) var consumerCount = 0
    private var latestSerial: UInt32 = 0
    private var freeSlots: [Int] = []
    private(set) var exclusiveConsumer: UInt32?
    /// Slots of consumers that may have credit, in turn. Who has none leaves when asked and comes back with credit.
    private var turn = RingBuffer<UInt32>()

    /// Consumers on channels of other shards that have a channel-wide limit.
    private var leasingConsumerCount = 0

    /// Listed among the queues to be asked for deliveries.
    var isListed = false
    /// Listed among the queues that wait for a delivery mark.
    var isMarkListed = false
    /// Listed among the queues of which messages may leave memory.
    var isPagingListed = false
    var marks = DeliveryMarks()
    /// basic.get that waits until the first message is in memory and may be delivered.
    var waitingGets: [WaitingGet] = []

    init(
        address: QueueAddress, name: ShortString, virtualHost: ShortString, virtualHostIndex: Int, isAutoDelete: Bool,
        arguments: QueueArguments, memory: Unmanaged<IndexMemory>? = nil
    ) {
        self.address = address
        self.name = name
        self.virtualHost = virtualHost
        self.virtualHostIndex = virtualHostIndex
        self.isAutoDelete = isAutoDelete
        self.arguments = arguments
        ready = ReadyList(memory: memory)
        if arguments.wantsExtras {
            _ = makeExtras()
            addLevels(arguments.levelCount)
        }
    }

    var readyCount: Int { ready.count + (extras?.pointee.otherCount ?? 0) }
    var resource: ResourceName { ResourceName(kind: .queue, name: name, virtualHost: virtualHost) }

    // MARK: Messages

    /// Makes the entry of a new message: its place is behind all others'.
    @inline(__always)
    mutating func accept(_ message: Message) -> QueueEntry {
        latestPlace &+= 1
        return QueueEntry(message: message, place: latestPlace)
    }

    @inline(__always)
    mutating func append(_ entry: QueueEntry) {
        if extras != nil { return appendCounted(entry) }
        ready.append(entry, byteCount: entry.message.byteCount)
    }

    /// A message from before the node was started, which is not in memory.
    mutating func recover(_ id: UInt64, byteCount: Int, isRedelivered: Bool, deliveryCount: Int) {
        ready.appendPagedOut(
            makeEntry(recovering: id, isRedelivered: isRedelivered, deliveryCount: deliveryCount),
            byteCount: byteCount)
    }

    mutating func makeEntry(recovering id: UInt64, isRedelivered: Bool, deliveryCount: Int) -> QueueEntry {
        latestPlace &+= 1
        return QueueEntry(
            pagedOut: id, isSpilled: false, place: latestPlace, isRedelivered: isRedelivered,
            deliveryCount: deliveryCount)
    }

    /// What comes from now on is in memory.
    mutating func endRecovery() {
        for level in 0..<levelCount { withList(level) { $0.endPagedOut() } }
    }

    mutating func putBack(_ entry: QueueEntry) {
        if extras != nil { return putBackCounted(entry) }
        ready.putBack(entry)
    }

    @inline(__always)
    mutating func popFirst() -> QueueEntry? { extras == nil ? ready.popFirst() : popFirstCounted() }

    // MARK: Consumers

    /// The next consumer in turn with credit, moved to the end of the turn; nil when nobody has any.
    @inline(__always)
    mutating func takeConsumer() -> UInt32? {
        while let slot = turn.popFirst() {
            let credit = credits.unsafelyUnwrapped + Int(slot)
            if hasCredit(credit) {
                turn.append(slot)
                return slot
            }
            credit.pointee.isReady = false
        }
        return nil
    }

    /// Whether the consumer may get a message; where not, sees to it that it is asked again when it may.
    @inline(__always)
    private mutating func hasCredit(_ credit: UnsafeMutablePointer<ConsumerCredit>) -> Bool {
        guard credit.pointee.isPresent else { return false }
        if !credit.pointee.noAck, credit.pointee.prefetchCount != 0,
            credit.pointee.unackedCount >= credit.pointee.prefetchCount
        {
            return false
        }
        guard credit.pointee.window.pointee.isOpen else {
            credit.pointee.window.pointee.blocked.append(
                BlockedConsumer(queue: address, consumer: reference(of: credit)))
            return false
        }
        if credit.pointee.noAck { return true }
        if let channel = credit.pointee.channel {
            if channel.pointee.hasChannelCredit { return true }
            channel.pointee.limitedConsumers.append(.local(queue: address, consumer: reference(of: credit)))
            return false
        }
        return !credit.pointee.needsLease || credit.pointee.leaseCount > 0
    }

    private func reference(of credit: UnsafeMutablePointer<ConsumerCredit>) -> ConsumerReference {
        ConsumerReference(slot: UInt32(credit - credits.unsafelyUnwrapped), serial: credit.pointee.serial)
    }

    /// The consumer's credit if it is still there.
    @inline(__always)
    func credit(_ reference: ConsumerReference) -> UnsafeMutablePointer<ConsumerCredit>? {
        guard Int(reference.slot) < descriptions.count, let credits else { return nil }
        let credit = credits + Int(reference.slot)
        return credit.pointee.isPresent && credit.pointee.serial == reference.serial ? credit : nil
    }

    /// The consumer may have credit again. Returns whether there is something for it.
    @inline(__always)
    mutating func makeReady(_ reference: ConsumerReference) -> Bool {
        guard let credit = credit(reference) else { return false }
        if !credit.pointee.isReady {
            credit.pointee.isReady = true
            turn.append(reference.slot)
        }
        return !ready.isEmpty
    }

    /// Whether somebody could get a message if a lease were asked for.
    @inline(__always)
    var hasUnleasedConsumers: Bool { leasingConsumerCount > 0 }

    /// The channel's limit came or went. Returns whether a consumer here is concerned.
    mutating func setNeedsLease(channel: ChannelAddress, _ needsLease: Bool) -> Bool {
        guard let credits else { return false }
        var isConcerned = false
        for slot in descriptions.indices where credits[slot].isPresent && credits[slot].channelAddress == channel {
            guard !credits[slot].noAck, credits[slot].needsLease != needsLease else { continue }
            credits[slot].needsLease = needsLease
            leasingConsumerCount += needsLease ? 1 : -1
            _ = makeReady(reference(of: credits + slot))
            isConcerned = true
        }
        return isConcerned
    }

    /// Consumers that have messages to get and no lease: asks for each at most once.
    func consumersWithoutLease() -> [ConsumerReference] {
        guard !ready.isEmpty, let credits else { return [] }
        var found: [ConsumerReference] = []
        for slot in descriptions.indices {
            let credit = credits + slot
            guard credit.pointee.isPresent, credit.pointee.needsLease, !credit.pointee.hasAskedForLease,
                credit.pointee.leaseCount == 0, credit.pointee.window.pointee.isOpen,
                credit.pointee.prefetchCount == 0 || credit.pointee.unackedCount < credit.pointee.prefetchCount
            else { continue }
            credit.pointee.hasAskedForLease = true
            found.append(reference(of: credit))
        }
        return found
    }

    /// RabbitMQ refuses an exclusive consumer beside others and others beside it: nil.
    mutating func addConsumer(
        _ description: ConsumerDescription, channel: UnsafeMutablePointer<ChannelState>?,
        window: UnsafeMutablePointer<DeliveryWindow>
    ) -> ConsumerReference? {
        if exclusiveConsumer != nil || (description.isExclusive && consumerCount > 0) { return nil }
        let slot = freeSlots.popLast() ?? descriptions.count
        if slot == descriptions.count { descriptions.append(nil) }
        descriptions[slot] = description
        growCredits(to: descriptions.count)
        latestSerial &+= 1
        let credit = ConsumerCredit(
            serial: latestSerial, isPresent: true, noAck: description.noAck,
            needsLease: channel == nil && description.hasChannelLimit && !description.noAck,
            prefetchCount: UInt32(description.prefetchCount), consumerIndex: description.consumerIndex,
            channelAddress: description.channel, channel: channel, window: window)
        (credits.unsafelyUnwrapped + slot).initialize(to: credit)
        consumerCount += 1
        if credit.needsLease { leasingConsumerCount += 1 }
        if description.isExclusive { exclusiveConsumer = UInt32(slot) }
        let reference = ConsumerReference(slot: UInt32(slot), serial: latestSerial)
        _ = makeReady(reference)
        return reference
    }

    private mutating func growCredits(to count: Int) {
        guard count > creditCapacity else { return }
        let capacity = max(1, creditCapacity * 2)
        let grown = UnsafeMutablePointer<ConsumerCredit>.allocate(capacity: capacity)
        if let credits {
            grown.moveInitialize(from: credits, count: creditCapacity)
            credits.deallocate()
        }
        for slot in creditCapacity..<capacity {
            (grown + slot).initialize(
                to: ConsumerCredit(
                    serial: 0, isPresent: false, noAck: true, prefetchCount: 0, consumerIndex: 0,
                    channelAddress: ChannelAddress(
                        connection: ConnectionAddress(slot: 0, generation: 0, shard: 0), number: 0, serial: 0),
                    channel: nil, window: Self.closedWindow))
        }
        credits = grown
        creditCapacity = capacity
    }

    /// Stands in empty slots; nobody looks at it.
    nonisolated(unsafe) private static let closedWindow: UnsafeMutablePointer<DeliveryWindow> = {
        let window = UnsafeMutablePointer<DeliveryWindow>.allocate(capacity: 1)
        window.initialize(to: DeliveryWindow(availableByteCount: 0))
        return window
    }()

    /// Returns what is known of it, nil when it is gone already.
    mutating func removeConsumer(_ reference: ConsumerReference) -> ConsumerDescription? {
        guard let credit = credit(reference) else { return nil }
        credit.pointee.isPresent = false
        if credit.pointee.isReady {
            turn.removeAll { $0 == reference.slot }
            credit.pointee.isReady = false
        }
        consumerCount -= 1
        if credit.pointee.needsLease { leasingConsumerCount -= 1 }
        if exclusiveConsumer == reference.slot { exclusiveConsumer = nil }
        defer {
            descriptions[Int(reference.slot)] = nil
            freeSlots.append(Int(reference.slot))
        }
        return descriptions[Int(reference.slot)]
    }

    /// All consumers, for the end of the queue.
    var consumerReferences: [ConsumerReference] {
        guard let credits else { return [] }
        return descriptions.indices.filter { credits[$0].isPresent }.map {
            ConsumerReference(slot: UInt32($0), serial: credits[$0].serial)
        }
    }

    /// - Precondition: the messages have been taken out.
    mutating func deallocate() {
        ready.deallocate()
        extras?.pointee.deallocate()
        extras?.deinitialize(count: 1)
        extras?.deallocate()
        extras = nil
        turn.deallocate()
        marks.deallocate()
        credits?.deallocate()
        credits = nil
    }
}

/// Who asked with basic.get, and how.
struct WaitingGet {
    let channel: ChannelAddress
    let noAck: Bool
}
