import Testing

@testable import Broker

/// What a queue keeps in memory when that is scarce, whatever came back before.
@Suite struct ScarceMemoryTests {
    private static let messageByteCount = 1024

    private func makeList(_ count: UInt64) -> ReadyList {
        var list = ReadyList()
        for place in 1...count {
            list.appendPagedOut(
                QueueEntry(pagedOut: place, isSpilled: false, place: place, isRedelivered: false),
                byteCount: Self.messageByteCount)
        }
        list.endPagedOut()
        list.append(QueueEntry(message: fakeMessage(Int(count) + 1), place: count + 1), byteCount: 1)
        return list
    }

    /// Brings back all that shall be ahead; returns how many chunks those were.
    private func load(_ list: inout ReadyList, aheadByteCount: Int) -> Int {
        var count = 0
        while let chunk = list.chunkToLoad(aheadByteCount: aheadByteCount) {
            let entries = chunk.pointee.entries
            for index in chunk.pointee.first..<chunk.pointee.end {
                entries[index].pageIn(fakeMessage(Int(entries[index].place)))
            }
            #expect(list.didLoad(chunk) == 0)
            count += 1
        }
        return count
    }

    private func pageOut(_ list: inout ReadyList) {
        while let chunk = list.chunkToPageOut() {
            let entries = chunk.pointee.entries
            for index in chunk.pointee.first..<chunk.pointee.end {
                entries[index].pageOut(entries[index].place, isSpilled: false)
            }
            list.didPageOut(chunk)
        }
    }

    /// A chunk that is not at the head, in the worst case.
    private static let keptLimit = ReadyList.keptByteCount + ReadyList.chunkByteLimit + messageByteCount

    @Test func whatCameBackLeavesAgain() {
        var list = makeList(20_000)
        #expect(load(&list, aheadByteCount: ReadyList.aheadByteCount) > 2)
        #expect(list.residentByteCount >= ReadyList.aheadByteCount)
        pageOut(&list)
        #expect(list.residentByteCount <= Self.keptLimit)
        // Also when that was not the first time.
        #expect(load(&list, aheadByteCount: ReadyList.aheadByteCount) > 0)
        pageOut(&list)
        #expect(list.residentByteCount <= Self.keptLimit)
        #expect(list.count == 20_001)
        list.deallocate()
    }

    /// What comes back is what may stay: nothing goes to and fro.
    @Test func whatComesBackStays() {
        var list = makeList(20_000)
        #expect(load(&list, aheadByteCount: ReadyList.keptByteCount) > 0)
        #expect(list.residentByteCount <= Self.keptLimit)
        let before = list.residentByteCount
        pageOut(&list)
        #expect(list.residentByteCount == before)
        for place in 1...UInt64(20_001) {
            while let first = list.first, first.isPagedOut {
                if load(&list, aheadByteCount: ReadyList.keptByteCount) == 0 { break }
                pageOut(&list)
            }
            guard let first = list.first, !first.isPagedOut else {
                Issue.record("\(place) does not come back")
                break
            }
            #expect(list.popFirst()?.place == place)
        }
        #expect(list.isEmpty)
        list.deallocate()
    }
}
