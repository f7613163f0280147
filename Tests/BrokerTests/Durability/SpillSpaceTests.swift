import Testing

@testable import Broker

struct SpillSpaceTests {
    private func message(_ number: Int, _ count: Int = 100) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
    }

    private func add(
        _ numbers: Range<Int>, _ count: Int = 100, to space: inout SpillSpace
    ) -> (ids: [UInt64], end: Int) {
        var writer = space.reserve(numbers.count * SpillRecord.byteCount(ofMessage: count))
        let ids = numbers.map { number in message(number, count).withUnsafeBytes { writer.add($0) } }
        return (ids, space.finish(writer))
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

    private func read(_ ids: [UInt64], _ place: SpilledPlace, _ file: [UInt8]) -> [[UInt8]?] {
        let part = Array(file[place.offset..<place.offset + place.byteCount])
        return part.withUnsafeBytes { bytes in
            ids.map { id in
                SpillRecord.message(in: bytes, at: place.start(of: id), extent: place.extent).map { Array($0) }
            }
        }
    }

    @Test(arguments: [1, 7, 8, 100, 5000]) func whatIsWrittenIsReadBack(byteCount: Int) {
        var space = SpillSpace()
        var file: [UInt8] = []
        let (ids, end) = add(0..<50, byteCount, to: &space)
        perform(space.takeCommands(), &file)
        #expect(file.count % SpillBuffer.alignment == 0)
        #expect(read(ids, space.place(from: ids[0], end: end), file) == (0..<50).map { message($0, byteCount) })
        #expect(
            read([ids[20], ids[30]], space.place(from: ids[20], end: end), file)
                == [20, 30].map { message($0, byteCount) })
    }

    @Test func whatIsNotYetWrittenIsWrittenBeforeItIsRead() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let (ids, end) = add(0..<5, to: &space)
        let place = space.place(from: ids[0], end: end)
        perform(space.takeCommands(), &file)
        #expect(read(ids, place, file) == (0..<5).map { message($0) })
    }

    /// Several lots in one extent: each is read alone.
    @Test func aLotReadsNoMoreThanItself() {
        var space = SpillSpace()
        var file: [UInt8] = []
        var lots: [(ids: [UInt64], end: Int)] = []
        for lot in 0..<20 {
            lots.append(add(lot * 100..<lot * 100 + 100, to: &space))
        }
        let commands = space.takeCommands()
        #expect(commands.count == 1)
        perform(commands, &file)
        for (lot, (ids, end)) in lots.enumerated() {
            let place = space.place(from: ids[0], end: end)
            #expect(place.byteCount <= 100 * 112 + 2 * SpillBuffer.alignment)
            #expect(read(ids, place, file) == (lot * 100..<lot * 100 + 100).map { message($0) })
        }
    }

    @Test func damageIsFound() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let (ids, end) = add(0..<3, 20, to: &space)
        perform(space.takeCommands(), &file)
        let place = space.place(from: ids[0], end: end)
        let record = SpillRecord.byteCount(ofMessage: 20)
        for bit in 0..<28 * 8 {
            var damaged = file
            damaged[record + bit / 8] ^= 1 << (bit % 8)
            #expect(read(ids, place, damaged) == [message(0, 20), nil, message(2, 20)], "bit \(bit)")
        }
    }

    /// A write was lost: what an earlier one has left there passes its own check.
    @Test func anOlderMessageIsNotTakenForANewerOne() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let first = add(0..<3, to: &space).ids
        perform(space.takeCommands(), &file)
        for id in first { space.remove(id) }
        let (ids, end) = add(3..<6, to: &space)
        _ = space.takeCommands()
        #expect(read(ids, space.place(from: ids[0], end: end), file) == [nil, nil, nil])
    }

    @Test func roomIsUsedAgainAndGivenBackAtTheEnd() {
        var space = SpillSpace()
        var file: [UInt8] = []
        var waiting: [[UInt64]] = []
        var largest = 0
        for lot in 0..<100 {
            waiting.append(add(lot * 100..<lot * 100 + 100, to: &space).ids)
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
        for id in add(0..<10, to: &space).ids { space.remove(id) }
        #expect(space.takeCommands().isEmpty)
        #expect(space.spare != nil)
    }

    @Test func aLargeMessageHasAnExtentOfItsOwn() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let (small, smallEnd) = add(0..<1, to: &space)
        let (large, largeEnd) = add(1..<2, 3 << 20, to: &space)
        perform(space.takeCommands(), &file)
        #expect(read(small, space.place(from: small[0], end: smallEnd), file) == [message(0)])
        #expect(read(large, space.place(from: large[0], end: largeEnd), file) == [message(1, 3 << 20)])
    }
}
