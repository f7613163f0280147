import Testing

@testable import Broker

/// A ready list beside the list of what it should hold, driven at random.
private struct PagedList {
    var list = ReadyList()
    /// Places in order, each with whether it is in memory (or among the returned ones).
    private var model: [(place: UInt64, isAbsent: Bool)] = []
    private var taken: [QueueEntry] = []
    private var loading: [(serial: UInt64, places: [UInt64])] = []
    private var latestPlace: UInt64 = 0
    private(set) var lostCount = 0
    private(set) var pagedOutCount = 0
    private(set) var purgeCount = 0
    /// What stays in memory.
    var share = ResidentShare.none
    var random: SeededRandom

    init(seed: UInt64) { random = seededRandom(seed) }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    // MARK: Events

    mutating func recover(_ count: Int, byteCount: Int) {
        for _ in 0..<count {
            latestPlace += 1
            list.appendPagedOut(
                QueueEntry(pagedOut: latestPlace, isSpilled: false, place: latestPlace, isRedelivered: false),
                byteCount: byteCount)
            model.append((latestPlace, true))
        }
        list.endPagedOut()
    }

    mutating func append(_ count: Int, byteCount: Int) {
        for _ in 0..<count {
            latestPlace += 1
            list.append(
                QueueEntry(message: fakeMessage(Int(latestPlace)), place: latestPlace), byteCount: byteCount)
            model.append((latestPlace, false))
        }
    }

    mutating func pop(_ count: Int) {
        for _ in 0..<count {
            guard let first = list.first, !first.isPagedOut, let entry = list.popFirst() else { return }
            let expected = model.removeFirst()
            require(entry == first && entry.message == fakeMessage(Int(entry.place)), "what is taken is the first")
            require(expected == (entry.place, false), "the first is \(expected)")
            taken.append(entry)
        }
    }

    mutating func putBack() {
        guard !taken.isEmpty else { return }
        let entry = taken.remove(at: below(taken.count))
        list.putBack(entry)
        model.insert((entry.place, false), at: model.firstIndex { $0.place > entry.place } ?? model.count)
    }

    mutating func pageOut(_ limit: Int, onlyFollowing: Bool = false) {
        for _ in 0..<limit {
            let next = onlyFollowing ? list.chunkToFollow(except: share) : list.chunkToPageOut(except: share)
            guard let chunk = next else { return }
            #expect(chunk != list.head && chunk != list.tail)
            #expect(chunk.pointee.state == .resident && !share.contains(chunk.pointee.serial))
            let entries = chunk.pointee.entries
            for index in chunk.pointee.first..<chunk.pointee.end {
                let place = entries[index].place
                entries[index].pageOut(place, isSpilled: place % 3 == 0)
                setAbsent(place, true)
            }
            list.didPageOut(chunk)
            pagedOutCount += 1
        }
    }

    mutating func askForMore() {
        while let chunk = list.chunkToLoad() {
            let entries = chunk.pointee.entries
            let places = (chunk.pointee.first..<chunk.pointee.end).map { entries[$0].place }
            #expect(chunk.pointee.loadingCount == places.count)
            for index in chunk.pointee.first..<chunk.pointee.end {
                let entry = entries[index]
                require(entry.isPagedOut && entry.pagedOutID == entry.place, "\(entry.place) is paged out")
            }
            loading.append((chunk.pointee.serial, places))
        }
    }

    /// One of the reads is done; the percentage is what could not be read.
    mutating func load(lossPercent: Int) {
        guard !loading.isEmpty else { return }
        let (serial, places) = loading.remove(at: below(loading.count))
        guard let chunk = list.loadingChunk(serial) else {
            // Purged meanwhile.
            #expect(Set(places).isDisjoint(with: model.map(\.place)))
            return
        }
        let entries = chunk.pointee.entries
        var lost = 0
        let found = (chunk.pointee.first..<chunk.pointee.end).map { entries[$0].place }
        #expect(found == places)
        for index in chunk.pointee.first..<chunk.pointee.end {
            let place = entries[index].place
            if below(100) < lossPercent {
                model.removeAll { $0.place == place }
                lost += 1
            } else {
                entries[index].pageIn(fakeMessage(Int(place)))
                setAbsent(place, false)
            }
        }
        #expect(list.didLoad(chunk) == lost)
        lostCount += lost
    }

    mutating func purge() {
        for expected in model {
            guard let entry = list.popFirst() else {
                Issue.record("\(expected.place) is missing")
                break
            }
            require((entry.place, entry.isPagedOut) == expected, "\(expected) is next")
        }
        model = []
        purgeCount += 1
        #expect(list.popFirst() == nil)
        #expect(list.residentByteCount == 0)
    }

    private mutating func setAbsent(_ place: UInt64, _ isAbsent: Bool) {
        // Sorted by place.
        var low = 0
        var high = model.count
        while low < high {
            let middle = (low + high) / 2
            if model[middle].place < place { low = middle + 1 } else { high = middle }
        }
        guard low < model.count, model[low].place == place else {
            Issue.record("\(place) should not be here")
            return
        }
        model[low].isAbsent = isAbsent
    }

    /// Everything that is left comes in its order once it has been loaded.
    mutating func drain() {
        while !model.isEmpty {
            let before = model.count
            askForMore()
            while !loading.isEmpty { load(lossPercent: 0) }
            pop(.max)
            guard model.count < before else {
                Issue.record("\(before) entries never came back")
                return
            }
        }
        check()
        #expect(list.isEmpty && list.first == nil && list.popFirst() == nil)
        #expect(list.residentByteCount == 0)
        #expect(list.absentChunkCount == 0)
    }

    // MARK: Checks

    /// Of the chunks that are in memory.
    var residentSerials: [UInt64] {
        var serials: [UInt64] = []
        var next = list.head
        while let chunk = next {
            if chunk.pointee.state == .resident { serials.append(chunk.pointee.serial) }
            next = chunk.pointee.next
        }
        return serials
    }

    /// `#expect` costs too much for what is asked a million times.
    private func require(_ condition: Bool, _ text: @autoclosure () -> String) {
        if !condition { Issue.record("not so: \(text())") }
    }

    func check() {
        #expect(list.count == model.count)
        #expect(list.isEmpty == model.isEmpty)
        #expect(list.first?.place == model.first?.place)
        #expect(list.first?.isPagedOut == model.first?.isAbsent)
        var residentByteCount = 0
        var absentChunkCount = 0
        var chunkedCount = 0
        var latestSerial: UInt64 = 0
        var hasCursor = list.pageOutCursor == nil
        var next = list.head
        while let chunk = next {
            let value = chunk.pointee
            if value.state == .resident { residentByteCount += value.byteCount } else { absentChunkCount += 1 }
            chunkedCount += value.end - value.first
            require(value.serial > latestSerial, "serials rise")
            latestSerial = value.serial
            require(value.first < value.end || chunk == list.head && chunk == list.tail, "no chunk is empty")
            require(
                value.end <= value.capacity && value.capacity <= value.allocatedCapacity, "chunks keep their bounds")
            if chunk == list.pageOutCursor { hasCursor = true }
            if value.next == nil { #expect(chunk == list.tail) }
            next = value.next
        }
        #expect(hasCursor)
        #expect(list.residentByteCount == residentByteCount)
        #expect(list.absentChunkCount == absentChunkCount)
        #expect(list.chunkedCount == chunkedCount)
    }
}

struct ReadyListPagingTests {
    @Test(arguments: Seeds.first(25))
    func holdsWhatTheNaiveListHolds(seed: UInt64) {
        var paged = PagedList(seed: seed)
        defer { paged.list.deallocate() }
        if paged.below(2) == 0 { paged.recover(paged.below(6_000), byteCount: 1 << paged.below(18)) }
        let byteCount = 1 << paged.below(19)
        for _ in 0..<400 {
            switch paged.below(20) {
            case 0..<6: paged.append(paged.below(200), byteCount: 1 + paged.below(byteCount))
            case 6..<10: paged.pop(paged.below(250))
            case 10..<12: for _ in 0..<paged.below(5) { paged.putBack() }
            case 12..<14: paged.pageOut(1 + paged.below(4), onlyFollowing: paged.below(3) == 0)
            case 14..<16: paged.askForMore()
            case 16..<19: paged.load(lossPercent: [0, 0, 3, 100][paged.below(4)])
            default:
                if paged.below(20) == 0 { paged.purge() }
                if paged.below(4) == 0, !paged.share.shrink() { paged.share = .all }
            }
            paged.check()
        }
        paged.drain()
    }

    /// The random runs above are worth something only if they get where it is difficult.
    @Test func theRandomRunsGetEverywhere() {
        var paged = PagedList(seed: 1)
        defer { paged.list.deallocate() }
        paged.append(3_000, byteCount: 4_096)
        paged.pageOut(.max)
        #expect(paged.pagedOutCount > 2)
        paged.append(1_000, byteCount: 4_096)
        paged.pop(.max)
        paged.askForMore()
        paged.load(lossPercent: 100)
        paged.check()
        #expect(paged.lostCount > 0)
        paged.purge()
        paged.load(lossPercent: 0)
        paged.check()
        paged.append(20, byteCount: 10)
        paged.drain()
    }

    @Test func whatIsKeptInMemoryIsTheBeginningAndTheEnd() {
        var paged = PagedList(seed: 1)
        defer { paged.list.deallocate() }
        paged.append(100_000, byteCount: 1_000)
        paged.pageOut(.max)
        paged.check()
        let tailByteCount = paged.list.tail?.pointee.byteCount ?? 0
        #expect(paged.list.residentByteCount >= ReadyList.keptByteCount)
        let head = ReadyList.keptByteCount + ReadyList.chunkByteLimit + 1_000
        #expect(paged.list.residentByteCount <= head + tailByteCount)
        #expect(paged.list.chunkToPageOut() == nil)
        // What is added is paged out later, and nothing is looked at twice.
        paged.append(100_000, byteCount: 1_000)
        let before = paged.pagedOutCount
        paged.pageOut(.max)
        #expect(paged.pagedOutCount > before)
        paged.drain()
    }

    /// One chunk in so many, wherever one looks; fewer when the share has shrunk, and those had stayed before.
    @Test func whatStaysIsEvenlySpread() {
        var paged = PagedList(seed: 1)
        defer { paged.list.deallocate() }
        paged.append(100_000, byteCount: 4_096)
        paged.share = .all
        paged.pageOut(.max)
        #expect(paged.pagedOutCount == 0)
        let all = paged.residentSerials
        var before = all
        for stride in [8, 16, 32] as [UInt64] {
            let didShrink = paged.share.shrink()
            #expect(didShrink)
            paged.pageOut(.max)
            paged.check()
            let stayed = paged.residentSerials
            // Beside them the first, and the one that is being filled.
            #expect(Set(stayed) == Set(all.filter { $0 % stride == 0 } + [all[0], all[all.count - 1]]))
            #expect(Set(stayed).isSubset(of: before) && stayed.count < before.count)
            before = stayed
        }
        // What is added follows, but for its share.
        paged.append(100_000, byteCount: 4_096)
        paged.pageOut(.max, onlyFollowing: true)
        paged.check()
        #expect(paged.residentSerials.dropFirst().dropLast().allSatisfy { $0 % 32 == 0 })
        #expect(paged.residentSerials.count > before.count)
        while paged.share.shrink() { paged.pageOut(.max) }
        #expect(paged.residentSerials.count == 2)
        paged.drain()
    }

    /// What comes next is asked for ahead of its turn, and no more than that.
    @Test(arguments: [1, 100, 1_000, 100_000, 3_000_000])
    func aBoundedPartIsAskedForAhead(byteCount: Int) {
        var list = ReadyList()
        defer { list.deallocate() }
        for place in 1...20_000 as ClosedRange<UInt64> {
            list.appendPagedOut(
                QueueEntry(pagedOut: place, isSpilled: false, place: place, isRedelivered: true),
                byteCount: byteCount)
        }
        list.endPagedOut()
        var chunkCount = 0
        var bytes = 0
        while let chunk = list.chunkToLoad() {
            chunkCount += 1
            bytes += chunk.pointee.byteCount
        }
        #expect(chunkCount >= 1 && chunkCount <= ReadyList.aheadChunkCount)
        #expect(bytes < ReadyList.aheadByteCount + max(ReadyList.chunkByteLimit + byteCount, byteCount))
    }

    /// What was taken out of the middle is never the first, also when what stood before it could not be read back.
    @Test func aHoleBehindAChunkThatIsLostIsSkipped() {
        var list = ReadyList()
        defer { list.deallocate() }
        for place in 1...16 as ClosedRange<UInt64> {
            list.appendPagedOut(
                QueueEntry(pagedOut: place, isSpilled: false, place: place, isRedelivered: false), byteCount: 10)
        }
        list.endPagedOut()
        for place in 17...19 as ClosedRange<UInt64> {
            list.append(QueueEntry(message: fakeMessage(Int(place)), place: place), byteCount: 10)
        }
        guard let chunk = list.chunkToLoad() else {
            Issue.record("nothing to load")
            return
        }
        let removed = list.remove(place: 17, leavingPagedOut: false)
        let lostCount = list.didLoad(chunk)
        #expect(removed?.place == 17 && lostCount == 16)
        #expect(list.count == 2 && list.first?.place == 18)
        let left = [list.popFirst(), list.popFirst()]
        #expect(left.map(\.?.place) == [18, 19] && list.isEmpty)
    }

    @Test func anEntryPagedOutIsWhatItWas() {
        var entry = QueueEntry(message: fakeMessage(3), place: 77)
        entry.countDelivery()
        for isSpilled in [false, true] {
            for id in [1, 64, 1 << 40, 1 << 62 - 1] as [UInt64] {
                entry.pageOut(id, isSpilled: isSpilled)
                #expect(entry.isPagedOut && entry.isSpilled == isSpilled)
                #expect(entry.pagedOutID == id && entry.place == 77 && entry.isRedelivered)
            }
        }
        entry.pageIn(fakeMessage(4))
        #expect(!entry.isPagedOut && !entry.isSpilled)
        #expect(entry.message == fakeMessage(4) && entry.place == 77 && entry.isRedelivered)
        let recovered = QueueEntry(pagedOut: 5, isSpilled: false, place: 6, isRedelivered: false)
        #expect(recovered.isPagedOut && !recovered.isSpilled && !recovered.isRedelivered && recovered.place == 6)
    }
}
