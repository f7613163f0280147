@testable import Broker
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
    /// A message that cannot be read; in the spill file it is named by the offset of its record.
    var isDamaged: (_ id: UInt64) -> Bool = { _ in false }
    /// What nobody gets to see because of that: with a message of the spill file, those that are like it.
    var isLost: (_ content: [UInt8]) -> Void = { _ in }
    /// What the journal has under an id.
    var journaled: (UInt64) -> [UInt8]? = { _ in nil }
    /// The spill files, by shard.
    private var files: [Int: [UInt8]] = [:]
    private var waiting: [Waiting] = []
    private(set) var requestedCount = 0

    var waitingCount: Int { waiting.count }

    /// Takes what a shard has to write and to ask. Returns whether there was anything.
    func take(from shard: ShardState) -> Bool {
        var isBusy = false
        for command in shard.takeSpillCommands() {
            isBusy = true
            perform(command, &files[shard.index, default: []])
        }
        for request in shard.takePageRequests() {
            isBusy = true
            let wantedCount = request.ids.count { $0 != PageRequest.unwanted }
            #expect(wantedCount > 0 && wantedCount == request.wantedCount)
            requestedCount += wantedCount
            waiting.append(Waiting(shard: shard.index, request: request))
        }
        return isBusy
    }

    private func perform(_ command: SpillCommand, _ file: inout [UInt8]) {
        switch command {
        case .write(let buffer, let offset):
            #expect(offset % SpillBuffer.alignment == 0 && buffer.byteCount % SpillBuffer.alignment == 0)
            #expect(!buffer.bytes.isEmpty)
            buffer.seal()
            let missing = offset + buffer.byteCount - file.count
            if missing > 0 { file += Array(repeating: 0xEE, count: missing) }
            file.replaceSubrange(offset..<offset + buffer.byteCount, with: buffer.bytes)
        case .truncate(let byteCount):
            #expect(byteCount < file.count)
            file.removeLast(file.count - byteCount)
        }
    }

    /// Nothing is in a spill file.
    var isEmpty: Bool { files.values.allSatisfy(\.isEmpty) }

    /// Answers one read, or as many as there are. Returns whether there was any.
    @discardableResult
    func answer(_ shards: [ShardState], at index: Int = 0) -> Bool {
        guard !waiting.isEmpty else { return false }
        let next = waiting.remove(at: index)
        shards[next.shard].receive(read(next.request, of: next.shard))
        return true
    }

    private func read(_ request: PageRequest, of shard: Int) -> PageRead {
        if let place = request.spilled { return read(request, place, files[shard] ?? []) }
        let read = PageRead(request: request)
        // Some in one block, some in another, as segments lie.
        for part in stride(from: 0, to: request.ids.count, by: 7) {
            addBlock(to: read, part..<min(part + 7, request.ids.count))
        }
        return read
    }

    private func read(_ request: PageRequest, _ place: SpilledPlace, _ file: [UInt8]) -> PageRead {
        #expect(place.offset % SpillBuffer.alignment == 0 && place.byteCount % SpillBuffer.alignment == 0)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: place.byteCount, alignment: SpillBuffer.alignment)
        memory.initializeMemory(as: UInt8.self, repeating: 0xEE, count: place.byteCount)
        let got = max(0, min(place.byteCount, file.count - place.offset))
        file.withUnsafeBytes { file in
            guard got > 0, let base = file.baseAddress else { return }
            memory.copyMemory(from: base + place.offset, byteCount: got)
        }
        let sound = makeRead(request, place, memory, got)
        var isDamaged = false
        for id in request.ids where id != PageRequest.unwanted {
            let start = place.start(of: id)
            guard start + 8 < got, self.isDamaged(UInt64(place.offset + start)) else { continue }
            isDamaged = true
            (memory + start + 8).assumingMemoryBound(to: UInt8.self).pointee ^= 4
        }
        guard isDamaged else {
            memory.deallocate()
            return sound
        }
        let read = makeRead(request, place, memory, got)
        for index in request.ids.indices where read.message(index) == nil {
            if let message = sound.message(index) { isLost(Array(message.bytes)) }
        }
        memory.deallocate()
        return read
    }

    private func makeRead(
        _ request: PageRequest, _ place: SpilledPlace, _ memory: UnsafeMutableRawPointer, _ byteCount: Int
    ) -> PageRead {
        let bytes = UnsafeRawBufferPointer(start: memory, count: byteCount)
        guard place.isWhole else { return PageRead(request: request, place: place, copying: bytes) }
        let copy = UnsafeMutableRawPointer.allocate(byteCount: place.byteCount, alignment: SpillBuffer.alignment)
        copy.copyMemory(from: memory, byteCount: byteCount)
        return PageRead(request: request, place: place, memory: copy, byteCount: byteCount)
    }

    private func addBlock(to read: PageRead, _ range: Range<Int>) {
        let contents = range.map { index -> [UInt8]? in
            let id = read.request.ids[index]
            let content = journaled(id)
            guard isDamaged(id) else { return content }
            if let content { isLost(content) }
            return nil
        }
        let byteCount = contents.reduce(8) { $0 + 16 + ($1?.count ?? 0) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 8)
        memory.initializeMemory(as: UInt8.self, repeating: 0xEE, count: byteCount)
        read.addBlock(memory, byteCount: byteCount)
        var offset = 8
        for (index, content) in zip(range, contents) {
            guard let content else { continue }
            content.withUnsafeBytes { (memory + offset).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            read.add(UnsafeRawBufferPointer(start: memory + offset, count: content.count), at: index)
            offset = (offset + content.count + 7) / 8 * 8 + 8
        }
    }
}
