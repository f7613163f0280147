import Synchronization

/// What messages and queues take of this process's memory, over all shards, and from where on that is too much.
final class MemoryAccount: Sendable {
    private let messages = Atomic<Int>(0)
    private let journal = Atomic<Int>(0)
    /// What messages may take at least, however much their queues' own lists and the journal's take.
    private let floor: Int
    private let limit: Int

    /// The share of the limit that is for messages, queues and the journal; the rest is for connections and buffers.
    private static let share = 0.7

    init(limitBytes: Int) {
        limit = Int(Double(limitBytes) * Self.share)
        floor = limitBytes / 16
    }

    /// A shard's share has changed. Returns whether memory is scarce.
    func add(_ change: Int) -> Bool {
        if change != 0 { messages.add(change, ordering: .relaxed) }
        return messages.load(ordering: .relaxed) > max(floor, limit - journal.load(ordering: .relaxed))
    }

    /// What the journal keeps to know what is alive.
    func setJournal(_ byteCount: Int) { journal.store(byteCount, ordering: .relaxed) }

    var messageByteCount: Int { messages.load(ordering: .relaxed) }
}
