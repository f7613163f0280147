import Broker
import Journal
import Testing

/// The spill file, and the journal as it is read back: all in memory, as late and as damaged as a test wants it.
final class DrivenDisk {
    private struct Waiting {
        let shard: Int
        let request: PageRequest
    }

    /// Reads are answered at once; else when the test says so.
    var isHeld = false
    /// A message that cannot be read.
    var isDamaged: (_ isSpilled: Bool, _ id: UInt64) -> Bool = { _, _ in false }
    /// What the journal has under an id.
    var journaled: (UInt64) -> [UInt8]? = { _ in nil }
    /// By id: the message, and the holder that must settle it.
    private(set) var spilled: [UInt64: (content: [UInt8], holder: UInt32)] = [:]
    private var waiting: [Waiting] = []
    private(set) var requestedCount = 0

    var waitingCount: Int { waiting.count }

    /// Takes what a shard has to write and to ask. Returns whether there was anything.
    func take(from shard: ShardState) -> Bool {
        var isBusy = false
        if let lane = shard.takeSpillLane() {
            isBusy = true
            write(lane)
        }
        for request in shard.takePageRequests() {
            isBusy = true
            #expect(!request.ids.isEmpty)
            requestedCount += request.ids.count
            waiting.append(Waiting(shard: shard.index, request: request))
        }
        return isBusy
    }

    private func write(_ lane: LaneBuffer) {
        var lane = lane
        defer { lane.deallocate() }
        do {
            for record in try LaneRecord.all(in: lane) {
                switch record {
                case .message(let id, let holders, let content):
                    #expect(spilled[id] == nil && holders.count == 1)
                    spilled[id] = (content, holders[0])
                case .settlements(let all):
                    for one in all {
                        #expect(spilled.removeValue(forKey: one.id)?.holder == one.holder, "spilled \(one.id)")
                    }
                default: Issue.record("\(record) in the spill file")
                }
            }
        } catch {
            Issue.record("spill file: \(error)")
        }
    }

    /// Answers one read, or as many as there are. Returns whether there was any.
    @discardableResult
    func answer(_ shards: [ShardState], at index: Int = 0) -> Bool {
        guard !waiting.isEmpty else { return false }
        let next = waiting.remove(at: index)
        shards[next.shard].receive(read(next.request))
        return true
    }

    private func read(_ request: PageRequest) -> PageRead {
        let read = PageRead(request: request)
        // Some in one block, some in another, as segments lie.
        for part in stride(from: 0, to: request.ids.count, by: 7) {
            addBlock(to: read, part..<min(part + 7, request.ids.count))
        }
        return read
    }

    private func addBlock(to read: PageRead, _ range: Range<Int>) {
        let contents = range.map { index -> [UInt8]? in
            let id = read.request.ids[index]
            if isDamaged(read.request.isSpilled, id) { return nil }
            return read.request.isSpilled ? spilled[id]?.content : journaled(id)
        }
        let byteCount = contents.reduce(8) { $0 + 16 + ($1?.count ?? 0) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 8)
        memory.initializeMemory(as: UInt8.self, repeating: 0xEE, count: byteCount)
        var offset = 8
        for (index, content) in zip(range, contents) {
            guard let content else { continue }
            content.withUnsafeBytes { (memory + offset).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            read.add(UnsafeRawBufferPointer(start: memory + offset, count: content.count), at: index)
            offset = (offset + content.count + 7) / 8 * 8 + 8
        }
        read.addBlock(memory, byteCount: byteCount)
    }
}
