import Routing

/// The consumers of a queue, and which of them gets the next message: in turn, those of a higher priority first, or
/// always the one that is active.
///
/// `turn` holds who may have credit. Where consumers have different priorities it holds the highest that have anybody,
/// and `lowerTurns` the others: a queue without priorities never looks there.
struct QueueConsumers {
    private let queue: QueueAddress

    // By slot.
    private(set) var credits: UnsafeMutablePointer<ConsumerCredit>?
    private var creditCapacity = 0
    private var descriptions: [ConsumerDescription?] = []
    private var freeSlots: [Int] = []

    private(set) var count = 0
    private var latestSerial: UInt32 = 0
    private var exclusiveSlot: UInt32?
    /// Consumers on channels of other shards that have a channel-wide limit.
    private var leasingCount = 0

    /// Slots of consumers that may have credit, in turn. Who has none leaves when asked and comes back with credit.
    private var turn = RingBuffer<UInt32>()
    private var turnPriority: Int64 = 0
    private var hasPriorities = false
    private var lowerTurns: [Int64: RingBuffer<UInt32>] = [:]

    private let isSingleActive: Bool
    /// A consumer of a higher priority becomes the active one when all that the active one holds is settled.
    private let higherPriorityTakesOver: Bool
    /// The one of a queue with a single active consumer that gets messages.
    private(set) var active: ConsumerReference?
    /// The active consumer's channel has ended on another shard: what was on its way there comes back first.
    private(set) var isHandingOver = false
    /// An administrator has stopped deliveries: nobody is in a turn, and all are marked as if they were, so that nobody
    /// comes. Asking who is next costs what it always costs.
    private(set) var isPaused = false

    init(queue: QueueAddress, isSingleActive: Bool, higherPriorityTakesOver: Bool) {
        self.queue = queue
        self.isSingleActive = isSingleActive
        self.higherPriorityTakesOver = higherPriorityTakesOver
    }

    // MARK: Who is next

    /// The next consumer in turn with credit, moved to the end of the turn; nil when nobody has any.
    @inline(__always)
    mutating func takeNext() -> UInt32? {
        repeat {
            while let slot = turn.popFirst() {
                let credit = credits.unsafelyUnwrapped + Int(slot)
                if hasCredit(credit) {
                    turn.append(slot)
                    return slot
                }
                credit.pointee.isReady = false
            }
        } while hasPriorities && takeLowerTurn()
        return nil
    }

    /// Who had the last turn has the next one, too, as long as its credit lasts.
    @inline(__always)
    var isAlone: Bool { turn.count == 1 }

    /// Who has all turns, if it has credit and its channel is of this shard.
    @inline(__always)
    var lone: UnsafeMutablePointer<ConsumerCredit>? {
        guard turn.count == 1, let credits else { return nil }
        let credit = credits + Int(turn[0])
        guard credit.pointee.isPresent, credit.pointee.window.pointee.isOpen, let channel = credit.pointee.channel,
            credit.pointee.noAck || (credit.pointee.prefetchCapacity > 0 && channel.pointee.hasChannelCredit)
        else { return nil }
        return credit
    }

    /// Whether the consumer may get a message; where not, sees to it that it is asked again when it may.
    @inline(__always)
    private func hasCredit(_ credit: UnsafeMutablePointer<ConsumerCredit>) -> Bool {
        guard credit.pointee.isPresent else { return false }
        if !credit.pointee.noAck, credit.pointee.prefetchCount != 0,
            credit.pointee.unackedCount >= credit.pointee.prefetchCount
        {
            return false
        }
        guard credit.pointee.window.pointee.isOpen else {
            credit.pointee.window.pointee.blocked.append(
                BlockedConsumer(queue: queue, consumer: reference(of: credit)))
            return false
        }
        if credit.pointee.noAck { return true }
        if let channel = credit.pointee.channel {
            if channel.pointee.hasChannelCredit { return true }
            channel.pointee.limitedConsumers.append(.local(queue: queue, consumer: reference(of: credit)))
            return false
        }
        return !credit.pointee.needsLease || credit.pointee.leaseCount > 0
    }

    /// The consumer may have credit again.
    @inline(__always)
    mutating func makeReady(_ reference: ConsumerReference) {
        guard let credit = credit(reference), !credit.pointee.isReady else { return }
        if hasPriorities || isSingleActive {
            joinTurn(credit)
        } else {
            credit.pointee.isReady = true
            turn.append(reference.slot)
        }
    }

    /// How many messages consumers would take, limits of channels and connections apart.
    var availableCredit: Int {
        if isPaused { return 0 }
        var sum = 0
        for reference in references where isActive(reference) {
            guard let credit = credit(reference), !credit.pointee.isQuiescing else { continue }
            if credit.pointee.noAck || credit.pointee.prefetchCount == 0 { return .max }
            sum += credit.pointee.prefetchCapacity
        }
        return sum
    }

    // MARK: Finding

    func reference(of credit: UnsafeMutablePointer<ConsumerCredit>) -> ConsumerReference {
        ConsumerReference(slot: UInt32(credit - credits.unsafelyUnwrapped), serial: credit.pointee.serial)
    }

    /// The consumer's credit if it is still there.
    @inline(__always)
    func credit(_ reference: ConsumerReference) -> UnsafeMutablePointer<ConsumerCredit>? {
        guard Int(reference.slot) < creditCapacity, let credits else { return nil }
        let credit = credits + Int(reference.slot)
        return credit.pointee.isPresent && credit.pointee.serial == reference.serial ? credit : nil
    }

    func description(_ reference: ConsumerReference) -> ConsumerDescription? {
        credit(reference) == nil ? nil : descriptions[Int(reference.slot)]
    }

    /// Places for consumers, also those that are free.
    var slotCount: Int { descriptions.count }

    /// The consumer at a place.
    func reference(at slot: Int) -> ConsumerReference? {
        guard let credits, slot < descriptions.count, credits[slot].isPresent else { return nil }
        return ConsumerReference(slot: UInt32(slot), serial: credits[slot].serial)
    }

    /// The one that alone may consume.
    var exclusive: ConsumerDescription? { exclusiveSlot.flatMap { descriptions[Int($0)] } }

    /// All consumers, in the order of their slots.
    var references: [ConsumerReference] {
        guard let credits else { return [] }
        return descriptions.indices.filter { credits[$0].isPresent }.map {
            ConsumerReference(slot: UInt32($0), serial: credits[$0].serial)
        }
    }

    mutating func deallocate() {
        turn.deallocate()
        for var turn in lowerTurns.values { turn.deallocate() }
        lowerTurns = [:]
        credits?.deallocate()
        credits = nil
        creditCapacity = 0
    }
}

// Coming and going.
extension QueueConsumers {
    /// RabbitMQ refuses an exclusive consumer beside others, others beside it, and any where one is active: nil.
    mutating func add(
        _ description: ConsumerDescription, channel: UnsafeMutablePointer<ChannelState>?,
        window: UnsafeMutablePointer<DeliveryWindow>
    ) -> ConsumerReference? {
        if exclusiveSlot != nil || (description.isExclusive && (count > 0 || isSingleActive)) { return nil }
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
        count += 1
        if credit.needsLease { leasingCount += 1 }
        if description.isExclusive { exclusiveSlot = UInt32(slot) }
        if description.priority != 0 { hasPriorities = true }
        let reference = ConsumerReference(slot: UInt32(slot), serial: latestSerial)
        if isPaused { (credits.unsafelyUnwrapped + slot).pointee.isReady = true }
        if isSingleActive {
            addWaiting(reference, description)
        } else {
            makeReady(reference)
        }
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

    /// Returns what is known of it, nil when it is gone already. Where it was the active one, nobody is from now on.
    mutating func remove(_ reference: ConsumerReference) -> ConsumerDescription? {
        guard let credit = credit(reference), let description = descriptions[Int(reference.slot)] else { return nil }
        leaveTurn(credit)
        credit.pointee.isPresent = false
        count -= 1
        if credit.pointee.needsLease { leasingCount -= 1 }
        if exclusiveSlot == reference.slot { exclusiveSlot = nil }
        if active == reference { active = nil }
        descriptions[Int(reference.slot)] = nil
        freeSlots.append(Int(reference.slot))
        return description
    }
}

// Priorities.
extension QueueConsumers {
    private func priority(_ slot: UInt32) -> Int64 { descriptions[Int(slot)]?.priority ?? 0 }

    @inline(never)
    private mutating func joinTurn(_ credit: UnsafeMutablePointer<ConsumerCredit>) {
        let reference = reference(of: credit)
        if isSingleActive, reference != active || credit.pointee.isQuiescing {
            giveWay(credit)
            return
        }
        credit.pointee.isReady = true
        if isPaused { return }
        let priority = priority(reference.slot)
        if priority > turnPriority {
            if !turn.isEmpty { lowerTurns[turnPriority] = turn } else { turn.deallocate() }
            turn = lowerTurns.removeValue(forKey: priority) ?? RingBuffer()
            turnPriority = priority
        }
        if priority == turnPriority {
            turn.append(reference.slot)
        } else {
            lowerTurns[priority, default: RingBuffer()].append(reference.slot)
        }
    }

    /// Nobody of this priority has credit: those of the next one are asked. Returns false where there is none.
    @inline(never)
    private mutating func takeLowerTurn() -> Bool {
        guard let priority = lowerTurns.keys.max(), let lower = lowerTurns.removeValue(forKey: priority) else {
            return false
        }
        turn.deallocate()
        turn = lower
        turnPriority = priority
        return true
    }

    private mutating func leaveTurn(_ credit: UnsafeMutablePointer<ConsumerCredit>) {
        guard credit.pointee.isReady else { return }
        let slot = reference(of: credit).slot
        credit.pointee.isReady = false
        if isPaused { return }
        let priority = priority(slot)
        if priority == turnPriority {
            turn.removeAll { $0 == slot }
        } else {
            lowerTurns[priority]?.removeAll { $0 == slot }
            if var empty = lowerTurns[priority], empty.isEmpty {
                empty.deallocate()
                lowerTurns[priority] = nil
            }
        }
    }
}

// Stopping and going on.
extension QueueConsumers {
    mutating func setPaused(_ isPaused: Bool) {
        guard self.isPaused != isPaused else { return }
        self.isPaused = isPaused
        turn.removeAll { _ in true }
        for var lower in lowerTurns.values { lower.deallocate() }
        lowerTurns = [:]
        for reference in references {
            guard let credit = credit(reference) else { continue }
            credit.pointee.isReady = isPaused
            if !isPaused { makeReady(reference) }
        }
    }
}

// A single active consumer (RabbitMQ: x-single-active-consumer).
extension QueueConsumers {
    private mutating func addWaiting(_ reference: ConsumerReference, _ description: ConsumerDescription) {
        guard let active else {
            if !isHandingOver { activateNext() }
            return
        }
        guard higherPriorityTakesOver, let credit = credit(active), !credit.pointee.isQuiescing,
            description.priority > priority(active.slot)
        else { return }
        leaveTurn(credit)
        credit.pointee.isQuiescing = true
        giveWay(credit)
    }

    /// The active consumer makes room for one of a higher priority once nothing that it holds is unsettled.
    private mutating func giveWay(_ credit: UnsafeMutablePointer<ConsumerCredit>) {
        guard credit.pointee.isQuiescing, credit.pointee.unackedCount == 0 else { return }
        credit.pointee.isQuiescing = false
        active = nil
        activateNext()
    }

    /// The first to have come of those with the highest priority is the active one from now on.
    mutating func activateNext() {
        guard isSingleActive, active == nil, !isHandingOver, let credits else { return }
        var next: ConsumerReference?
        for reference in references {
            guard let best = next else {
                next = reference
                continue
            }
            let (candidate, known) = (priority(reference.slot), priority(best.slot))
            // Serials may come round after 2^32 consumers.
            let isOlder = Int32(bitPattern: reference.serial &- best.serial) < 0
            if candidate > known || (candidate == known && isOlder) { next = reference }
        }
        guard let next else { return }
        active = next
        joinTurn(credits + Int(next.slot))
    }

    /// The active consumer's channel has ended on another shard.
    mutating func beginHandOver() { isHandingOver = true }

    /// What was on its way to the ended consumer is back.
    mutating func endHandOver() {
        isHandingOver = false
        activateNext()
    }

    /// Whether it gets messages: RabbitMQ's `active`.
    func isActive(_ reference: ConsumerReference) -> Bool { !isSingleActive || active == reference }
}

// Leases of a channel-wide limit.
extension QueueConsumers {
    /// Whether somebody could get a message if a lease were asked for.
    @inline(__always)
    var hasUnleased: Bool { leasingCount > 0 }

    /// The channel's limit came or went. Returns whether a consumer here is concerned.
    mutating func setNeedsLease(channel: ChannelAddress, _ needsLease: Bool) -> Bool {
        guard let credits else { return false }
        var isConcerned = false
        for slot in descriptions.indices where credits[slot].isPresent && credits[slot].channelAddress == channel {
            guard !credits[slot].noAck, credits[slot].needsLease != needsLease else { continue }
            credits[slot].needsLease = needsLease
            leasingCount += needsLease ? 1 : -1
            makeReady(reference(of: credits + slot))
            isConcerned = true
        }
        return isConcerned
    }

    /// Consumers that have messages to get and no lease: asks for each at most once.
    func takeUnleased() -> [ConsumerReference] {
        guard let credits, !isPaused else { return [] }
        var found: [ConsumerReference] = []
        for slot in descriptions.indices {
            let credit = credits + slot
            guard credit.pointee.isPresent, credit.pointee.needsLease, !credit.pointee.hasAskedForLease,
                credit.pointee.leaseCount == 0, credit.pointee.window.pointee.isOpen,
                credit.pointee.prefetchCount == 0 || credit.pointee.unackedCount < credit.pointee.prefetchCount,
                isActive(reference(of: credit)), !credit.pointee.isQuiescing
            else { continue }
            credit.pointee.hasAskedForLease = true
            found.append(reference(of: credit))
        }
        return found
    }
}
