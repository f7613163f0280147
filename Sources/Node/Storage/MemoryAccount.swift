import Synchronization
import SystemMemory

/// What messages and queues take of this process's memory, over all shards, and from where on that is too much.
final class MemoryAccount: Sendable {
    enum Level: Int, Comparable {
        case enough
        /// What is far from its turn shall leave memory.
        case scarce
        /// It does not leave fast enough: publishers have to wait.
        case tight

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    private let messages = Atomic<Int>(0)
    private let journal = Atomic<Int>(0)
    /// The most that was in use since memory was last given back.
    private let highest = Atomic<Int>(0)
    private let scarceByteCount: Int
    private let tightByteCount: Int
    /// What messages may take at least, however much the index of the journal takes.
    private let floor: Int

    /// Shares of the limit; the rest is for connections, buffers and what malloc keeps.
    private static let scarceShare = 0.6
    private static let tightShare = 0.75
    /// So much has to have become free before malloc is asked to give it back.
    private static let givenBackByteCount = 32 << 20

    init(limitBytes: Int) {
        scarceByteCount = Int(Double(limitBytes) * Self.scarceShare)
        tightByteCount = Int(Double(limitBytes) * Self.tightShare)
        floor = limitBytes / 16
    }

    /// Some more, or less, is in use.
    @discardableResult
    func add(_ change: Int) -> Level {
        if change != 0 { messages.add(change, ordering: .relaxed) }
        return level
    }

    var level: Level {
        let used = messages.load(ordering: .relaxed)
        let indexed = journal.load(ordering: .relaxed)
        if used > max(floor * 2, tightByteCount - indexed) { return .tight }
        return used > max(floor, scarceByteCount - indexed) ? .scarce : .enough
    }

    var messageByteCount: Int { messages.load(ordering: .relaxed) }
    var journalByteCount: Int { journal.load(ordering: .relaxed) }

    /// What the journal keeps to know what is alive.
    func setJournal(_ byteCount: Int) { journal.store(byteCount, ordering: .relaxed) }

    /// Now and then, from a thread that may take its time: memory that is free and still the process's goes back.
    func giveBack() {
        let used = messages.load(ordering: .relaxed)
        let before = max(used, highest.load(ordering: .relaxed))
        highest.store(before, ordering: .relaxed)
        guard before - used > Self.givenBackByteCount || level != .enough else { return }
        highest.store(used, ordering: .relaxed)
        leveret_give_back_memory()
    }
}
