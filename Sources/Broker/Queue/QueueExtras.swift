import AMQPWire
import Journal

/// What only queues with expiry, limits, priorities or deduplication keep. A queue without has none of it, and no
/// message of it looks here.
struct QueueExtras {
    /// Messages with an expiration of their own.
    var expirations = BinaryHeap<MessageDeadline>()
    /// Above so many, those are dropped whose messages are not there any more.
    var expirationLimit = Limit.staleDeadlines
    /// Messages that came back and wait until they are tried again.
    var delayed = BinaryHeap<DelayedEntry>()
    var delayedBodyByteCount = 0
    /// The time for which the queue stands among the shard's deadlines, in milliseconds since 1970.
    var armedMilliseconds: UInt64?
    /// When the queue was last declared, asked with basic.get, or left by a consumer; in milliseconds since 1970.
    var lastUsedMilliseconds: UInt64 = 0
    /// Messages met a consumer that only waits for the journal: until it has had its share none is too late or too
    /// many.
    var isPromised = false
    /// It is no queue of a virtual host, but stands before an exchange.
    var gate: ExchangeGate?
    /// Deduplication headers of messages that the queue has, delivered ones included, and the messages' places.
    var duplicates: [[UInt8]: UInt64] = [:]

    // Priorities: `QueueState.ready` is the list of the highest level that has messages, the others are here.

    /// 1 without priorities.
    var levelCount = 1
    /// Which level `QueueState.ready` is.
    var currentLevel = 0
    /// By level; the current one's is not in use.
    var levels: UnsafeMutablePointer<ReadyList>?
    /// Messages in the levels that are not the current one.
    var otherCount = 0

    mutating func deallocate() {
        for level in 0..<levelCount { levels?[level].deallocate() }
        levels?.deinitialize(count: levelCount)
        levels?.deallocate()
        levels = nil
    }
}

// Levels of priority.
extension QueueState {
    var levelCount: Int { extras?.pointee.levelCount ?? 1 }
    var currentLevel: Int { extras?.pointee.currentLevel ?? 0 }

    /// The level of a message: its priority, at most what the queue has.
    func level(_ priority: UInt8) -> Int {
        guard let extras else { return 0 }
        return min(Int(priority), extras.pointee.levelCount - 1)
    }

    /// From now on there are so many levels. A queue has them from its beginning.
    mutating func addLevels(_ count: Int) {
        guard count > 1, let extras, extras.pointee.levels == nil else { return }
        let levels = UnsafeMutablePointer<ReadyList>.allocate(capacity: count)
        for level in 0..<count { (levels + level).initialize(to: ReadyList(memory: ready.memory)) }
        extras.pointee.levels = levels
        extras.pointee.levelCount = count
    }

    /// Runs the body with the list of a level.
    @inline(__always)
    mutating func withList<Result>(_ level: Int, _ body: (inout ReadyList) -> Result) -> Result {
        guard let extras, level != extras.pointee.currentLevel, let levels = extras.pointee.levels else {
            return body(&ready)
        }
        let before = levels[level].count
        defer { extras.pointee.otherCount += levels[level].count - before }
        return body(&levels[level])
    }

    /// Makes the list of a level the one that is served.
    private mutating func makeCurrent(_ level: Int) {
        guard let extras, let levels = extras.pointee.levels, level != extras.pointee.currentLevel else { return }
        swap(&levels[extras.pointee.currentLevel], &ready)
        extras.pointee.otherCount += levels[extras.pointee.currentLevel].count
        extras.pointee.otherCount -= levels[level].count
        swap(&levels[level], &ready)
        extras.pointee.currentLevel = level
    }

    /// Keeps the promise that `ready` is the highest level that has messages.
    mutating func settleLevel() {
        guard let extras, extras.pointee.otherCount > 0, let levels = extras.pointee.levels else { return }
        var highest = extras.pointee.levelCount - 1
        while highest > 0 {
            let isEmpty = highest == extras.pointee.currentLevel ? ready.isEmpty : levels[highest].isEmpty
            if !isEmpty { break }
            highest -= 1
        }
        makeCurrent(highest)
    }

    /// A message for a level above the one that is served, or for a queue that has no other.
    mutating func raiseLevel(to level: Int) {
        if let extras, level > extras.pointee.currentLevel || ready.isEmpty { makeCurrent(level) }
    }
}

// The queue's operations where there are extras.
extension QueueState {
    mutating func makeExtras() -> UnsafeMutablePointer<QueueExtras> {
        if let extras { return extras }
        let made = UnsafeMutablePointer<QueueExtras>.allocate(capacity: 1)
        made.initialize(to: QueueExtras())
        extras = made
        return made
    }

    @inline(never)
    mutating func appendCounted(_ entry: QueueEntry) {
        let message = entry.message
        let level = level(message.priority)
        raiseLevel(to: level)
        withList(level) { $0.append(entry, byteCount: message.byteCount) }
    }

    @inline(never)
    mutating func putBackCounted(_ entry: QueueEntry) {
        let level = level(entry.message.priority)
        raiseLevel(to: level)
        withList(level) { $0.putBack(entry) }
    }

    @inline(never)
    mutating func popFirstCounted() -> QueueEntry? {
        guard let entry = ready.popFirst() else { return nil }
        didTake(entry)
        return entry
    }

    /// An entry was taken out of a list.
    mutating func didTake(_ entry: QueueEntry) {
        subtractReady(entry)
        if ready.isEmpty { settleLevel() }
        if readyCount == 0 { readyContents = QueueContents() }
    }

    /// Takes out, by their places, what was requeued and is due: all at once, since each costs a look at all that were
    /// requeued.
    mutating func removeReturned(_ due: [MessageDeadline]) -> [UInt64: QueueEntry] {
        var taken: [UInt64: QueueEntry] = [:]
        for level in 0..<levelCount {
            withList(level) { list in
                guard !list.returned.isEmpty else { return }
                let places = Set(due.lazy.filter { Int($0.level) == level }.map(\.place))
                if places.isEmpty { return }
                for entry in list.returned.removeAll(where: { places.contains($0.place) }) {
                    taken[entry.place] = entry
                }
            }
        }
        for entry in taken.values { didTake(entry) }
        return taken
    }

    /// Whether it matters at a start what messages are: their priority, size, expiration, header.
    var recoversContent: Bool {
        levelCount > 1 || arguments.maxLengthBytes != nil || arguments.deduplicates
            || arguments.messageTTLMilliseconds != nil || extras?.pointee.gate != nil
            // Where messages with an expiration wait for it, though nobody consumes them.
            || arguments.deadLetterExchange != nil
    }

    /// A message from before the node was started, which is not in memory.
    mutating func recover(_ id: UInt64, _ message: Message, isRedelivered: Bool, deliveryCount: Int) {
        let extras = makeExtras()
        let entry = makeEntry(recovering: id, isRedelivered: isRedelivered, deliveryCount: deliveryCount)
        let level = level(message.priority)
        raiseLevel(to: level)
        withList(level) { $0.appendPagedOut(entry, byteCount: message.byteCount) }
        readyContents.add(message, isStoring: true)
        if arguments.deduplicates { _ = addDuplicate(message, place: entry.place) }
        guard let own = message.expirationMilliseconds else { return }
        extras.pointee.expirations.insert(
            MessageDeadline(
                milliseconds: message.publishedMilliseconds &+ own, place: entry.place, level: UInt8(level)))
    }

    /// Every entry that waits for a consumer, in no order.
    mutating func forEachReady(_ body: (QueueEntry) -> Void) {
        for level in 0..<levelCount { withList(level) { $0.forEach(body) } }
    }

    /// Every entry that waits, also for its time, in no order.
    mutating func forEachWaiting(_ body: (QueueEntry) -> Void) {
        forEachDelayed(body)
        forEachReady(body)
    }

    /// Drops the deadlines of messages that do not wait here any more, which may be due only in years.
    mutating func forgetStaleExpirations() {
        guard let extras else { return }
        var places: Set<UInt64> = []
        forEachWaiting { places.insert($0.place) }
        // What came back has more than one: the earliest counts.
        extras.pointee.expirations.removeAll { places.remove($0.place) == nil }
        extras.pointee.expirationLimit = max(Limit.staleDeadlines, 2 * extras.pointee.expirations.count)
    }

    /// Whether another message, with this body, would be more than the queue may have.
    func wouldOverflow(bodyByteCount: Int) -> Bool {
        let promised = promisedCount
        if let limit = arguments.maxLength, readyCount + delayedCount - promised + 1 > limit { return true }
        guard let limit = arguments.maxLengthBytes, let extras else { return false }
        let readyByteCount = promised == readyCount ? 0 : readyContents.bodyByteCount
        return readyByteCount + extras.pointee.delayedBodyByteCount + bodyByteCount > limit
    }

    /// Messages that consumers would have by now if the journal had been faster.
    private var promisedCount: Int {
        guard let extras, extras.pointee.isPromised else { return 0 }
        return min(readyCount, consumers.availableCredit)
    }

    /// Whether the queue has more than it may have.
    var isOverLimit: Bool {
        if let limit = arguments.maxLength, readyCount + delayedCount > limit { return true }
        guard let limit = arguments.maxLengthBytes, let extras else { return false }
        return readyContents.bodyByteCount + extras.pointee.delayedBodyByteCount > limit
    }
}
