/// How much some messages of a queue are together.
struct QueueContents: Equatable {
    /// Bytes of their bodies.
    var bodyByteCount = 0
    /// Those that are stored, in a queue that stores messages, and bytes of their bodies.
    var persistentCount = 0
    var persistentByteCount = 0

    @inline(__always)
    mutating func add(_ message: Message, isStoring: Bool) {
        let byteCount = message.bodyByteCount
        bodyByteCount &+= byteCount
        if isStoring { addPersistent(message, byteCount) }
    }

    @inline(__always)
    mutating func subtract(_ message: Message, isStoring: Bool) {
        let byteCount = message.bodyByteCount
        bodyByteCount &-= byteCount
        if isStoring { subtractPersistent(message, byteCount) }
    }

    mutating func add(_ other: QueueContents) {
        bodyByteCount &+= other.bodyByteCount
        persistentCount &+= other.persistentCount
        persistentByteCount &+= other.persistentByteCount
    }

    mutating func subtract(_ other: QueueContents) {
        bodyByteCount &-= other.bodyByteCount
        persistentCount &-= other.persistentCount
        persistentByteCount &-= other.persistentByteCount
    }

    private mutating func addPersistent(_ message: Message, _ byteCount: Int) {
        guard message.isPersistent || message.id != 0 else { return }
        persistentCount &+= 1
        persistentByteCount &+= byteCount
    }

    private mutating func subtractPersistent(_ message: Message, _ byteCount: Int) {
        guard message.isPersistent || message.id != 0 else { return }
        persistentCount &-= 1
        persistentByteCount &-= byteCount
    }

    /// Some that are not in memory are gone, of which only the number is known: they count as the average.
    ///
    /// - Parameter before: how many there were, these included.
    @inline(never)
    mutating func subtractAbsent(_ count: Int, of before: Int, isPersistent: Bool) {
        bodyByteCount -= bodyByteCount / max(before, 1) * count
        guard isPersistent, persistentCount > 0 else { return }
        persistentByteCount -= persistentByteCount / persistentCount * min(count, persistentCount)
        persistentCount -= min(count, persistentCount)
    }
}

extension QueueState {
    /// What a recovered message that was not read yet counts as, beyond its body: the rest of it is not known apart.
    static func estimatedBodyByteCount(recordByteCount: Int) -> Int { max(0, recordByteCount - Message.headByteCount) }

    /// An entry was taken out of the ready ones.
    @inline(__always)
    mutating func subtractReady(_ entry: QueueEntry) {
        if entry.isPagedOut {
            readyContents.subtractAbsent(
                1, of: readyCount + 1, isPersistent: holder != 0 && !entry.isSpilled)
        } else {
            readyContents.subtract(entry.message, isStoring: holder != 0)
        }
    }

    /// A recovered message is read for the first time, or leaves memory again.
    mutating func correctEstimate(of message: Message, isRead: Bool) {
        guard !recoversContent else { return }
        let difference = Self.estimatedBodyByteCount(recordByteCount: message.byteCount) - message.bodyByteCount
        readyContents.bodyByteCount += isRead ? -difference : difference
        if holder != 0 { readyContents.persistentByteCount += isRead ? -difference : difference }
    }
}
