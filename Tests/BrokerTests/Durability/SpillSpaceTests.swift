import Testing

@testable import Broker

struct SpillSpaceTests {
    private func message(_ number: Int, _ count: Int = 100) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
    }

    private func add(_ numbers: Range<Int>, _ count: Int = 100, to space: inout SpillSpace) -> [UInt64] {
        space.reserve(numbers.count * SpillRecord.byteCount(ofMessage: count))
        return numbers.map { number in message(number, count).withUnsafeBytes { space.add($0) } }
    }

    /// What is in a file after these commands.
    private func perform(_ commands: [SpillCommand], _ file: inout [UInt8]) {
        for command in commands {
            switch command {
            case .write(let buffer, let offset):
                buffer.seal()
                file += Array(repeating: 0, count: max(0, offset + buffer.byteCount - file.count))
                file.replaceSubrange(offset..<offset + buffer.byteCount, with: buffer.bytes)
            case .truncate(let byteCount): file.removeLast(file.count - byteCount)
            }
        }
    }

    private func read(_ place: SpilledPlace, _ file: [UInt8]) -> [[UInt8]?] {
        let part = Array(file[place.offset..<place.offset + place.byteCount])
        return part.withUnsafeBytes { bytes in
            place.starts.map { SpillRecord.message(in: bytes, at: $0, extent: place.extent).map { Array($0) } }
        }
    }

    @Test(arguments: [1, 7, 8, 100, 5000]) func whatIsWrittenIsReadBack(byteCount: Int) {
        var space = SpillSpace()
        var file: [UInt8] = []
        let ids = add(0..<50, byteCount, to: &space)
        let end = space.openEnd
        perform(space.takeCommands(), &file)
        #expect(file.count % SpillBuffer.alignment == 0)
        #expect(read(space.place(of: ids, end: end), file) == (0..<50).map { message($0, byteCount) })
        #expect(read(space.place(of: [ids[30], ids[20]], end: end), file) == [30, 20].map { message($0, byteCount) })
    }

    @Test func whatIsNotYetWrittenIsWrittenBeforeItIsRead() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let ids = add(0..<5, to: &space)
        let place = space.place(of: ids, end: space.openEnd)
        perform(space.takeCommands(), &file)
        #expect(read(place, file) == (0..<5).map { message($0) })
    }

    /// Several lots in one extent: each is read alone.
    @Test func aLotReadsNoMoreThanItself() {
        var space = SpillSpace()
        var file: [UInt8] = []
        var lots: [(ids: [UInt64], end: Int)] = []
        for lot in 0..<20 {
            let ids = add(lot * 100..<lot * 100 + 100, to: &space)
            lots.append((ids, space.openEnd))
        }
        let commands = space.takeCommands()
        #expect(commands.count == 1)
        perform(commands, &file)
        for (lot, (ids, end)) in lots.enumerated() {
            let place = space.place(of: ids, end: end)
            #expect(place.byteCount <= 100 * 112 + 2 * SpillBuffer.alignment)
            #expect(read(place, file) == (lot * 100..<lot * 100 + 100).map { message($0) })
        }
    }

    @Test func damageIsFound() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let ids = add(0..<3, 20, to: &space)
        let end = space.openEnd
        perform(space.takeCommands(), &file)
        let place = space.place(of: ids, end: end)
        let record = SpillRecord.byteCount(ofMessage: 20)
        for bit in 0..<28 * 8 {
            var damaged = file
            damaged[record + bit / 8] ^= 1 << (bit % 8)
            #expect(read(place, damaged) == [message(0, 20), nil, message(2, 20)], "bit \(bit)")
        }
    }

    /// A write was lost: what an earlier one has left there passes its own check.
    @Test func anOlderMessageIsNotTakenForANewerOne() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let first = add(0..<3, to: &space)
        perform(space.takeCommands(), &file)
        for id in first { space.remove(id) }
        let ids = add(3..<6, to: &space)
        let end = space.openEnd
        _ = space.takeCommands()
        #expect(read(space.place(of: ids, end: end), file) == [nil, nil, nil])
    }

    @Test func roomIsUsedAgainAndGivenBackAtTheEnd() {
        var space = SpillSpace()
        var file: [UInt8] = []
        var waiting: [[UInt64]] = []
        var largest = 0
        for lot in 0..<100 {
            waiting.append(add(lot * 100..<lot * 100 + 100, to: &space))
            perform(space.takeCommands(), &file)
            largest = max(largest, file.count)
            if waiting.count > 4 { for id in waiting.removeFirst() { space.remove(id) } }
        }
        #expect(largest <= 8 * 3 * SpillBuffer.alignment)
        for ids in waiting { for id in ids { space.remove(id) } }
        perform(space.takeCommands(), &file)
        #expect(file.isEmpty)
    }

    @Test func whatIsNotWantedBeforeItIsWrittenIsNotWritten() {
        var space = SpillSpace()
        for id in add(0..<10, to: &space) { space.remove(id) }
        #expect(space.takeCommands().isEmpty)
        #expect(space.spare != nil)
    }

    @Test func aLargeMessageHasAnExtentOfItsOwn() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let small = add(0..<1, to: &space)
        let smallEnd = space.openEnd
        let large = add(1..<2, 3 << 20, to: &space)
        let largeEnd = space.openEnd
        perform(space.takeCommands(), &file)
        #expect(read(space.place(of: small, end: smallEnd), file) == [message(0)])
        #expect(read(space.place(of: large, end: largeEnd), file) == [message(1, 3 << 20)])
    }
}
