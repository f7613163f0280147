import Routing
import Testing

@testable import Broker

/// A message that leaves memory, as what is to be seen of it.
private struct Spilled: Equatable {
    var routingKey: [UInt8] = Array("key".utf8)
    var properties: [UInt8] = [0, 0]
    var body: [UInt8]
    var published: UInt64 = 1_700_000_000_000
    var priority: UInt8 = 0
    var isPersistent = false
    var care: UInt8 = 0

    init(_ number: Int, _ byteCount: Int = 100) {
        body = (0..<byteCount).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
    }

    init(_ message: Message) {
        routingKey = Array(message.routingKey)
        properties = Array(message.properties)
        body = Array(message.body)
        published = message.publishedMilliseconds
        priority = message.priority
        isPersistent = message.isPersistent
        care = message.care.rawValue
        #expect(message.exchange.isEmpty && message.id == 0 && message.references == 1 && message.isInBlock)
    }

    func with(_ change: (inout Spilled) -> Void) -> Spilled {
        var changed = self
        change(&changed)
        return changed
    }

    var byteCount: Int { Message.headByteCount + 2 + routingKey.count + properties.count + body.count }

    func withMessage<Result>(id: UInt64 = 0, _ use: (Message) -> Result) -> Result {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
        defer { memory.deallocate() }
        let message = Message.initialise(
            memory, shard: 0, isPersistent: isPersistent,
            story: MessageStory(
                publishedMilliseconds: published, priority: priority, care: MessageCare(rawValue: care)),
            addressingByteCount: 2 + routingKey.count, propertiesByteCount: properties.count,
            bodyByteCount: body.count)
        message.id = id
        let bytes = [0, UInt8(routingKey.count)] + routingKey + properties + body
        bytes.withUnsafeBytes {
            (memory + Message.headByteCount).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
        }
        return use(message)
    }
}

struct SpillSpaceTests {
    private struct Lot {
        let messages: [Spilled]
        let ids: [UInt64]
        let lot: SpilledLot
    }

    private func add(_ messages: [Spilled], to space: inout SpillSpace) -> Lot {
        var writer = space.reserve(messages.reduce(0) { $0 + SpillRecord.byteCount(ofMessage: $1.byteCount) })
        let ids = messages.map { message in message.withMessage(id: 77) { writer.add($0) } }
        return Lot(messages: messages, ids: ids, lot: space.finish(writer))
    }

    private func add(_ numbers: Range<Int>, _ count: Int = 100, to space: inout SpillSpace) -> Lot {
        add(numbers.map { Spilled($0, count) }, to: &space)
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

    /// Those of a lot that are wanted.
    private func read(
        _ lot: Lot, _ place: SpilledPlace, _ file: [UInt8], wanted: (Int) -> Bool = { _ in true }
    ) -> [Spilled?] {
        let ids = lot.ids.indices.map { wanted($0) ? lot.ids[$0] : PageRequest.unwanted }
        let request = PageRequest(
            queue: QueueAddress(shard: 0, slot: 0, generation: 0), level: 0, chunkSerial: 1, firstIndex: 0, ids: ids,
            wantedCount: ids.count { $0 != PageRequest.unwanted }, spilled: place)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: place.byteCount, alignment: 4096)
        let end = min(place.offset + place.byteCount, file.count)
        memory.copyMemory(from: Array(file[place.offset..<end]), byteCount: end - place.offset)
        let read: PageRead
        if place.isWhole {
            read = PageRead(request: request, place: place, memory: memory, byteCount: end - place.offset)
        } else {
            read = PageRead(
                request: request, place: place,
                copying: UnsafeRawBufferPointer(start: memory, count: end - place.offset))
            memory.initializeMemory(as: UInt8.self, repeating: 0xEE, count: place.byteCount)
            memory.deallocate()
        }
        return ids.indices.map { read.message($0).map(Spilled.init) }
    }

    @Test(arguments: [1, 7, 8, 100, 5000, 65535, 65536]) func whatIsWrittenIsReadBack(byteCount: Int) {
        var space = SpillSpace()
        var file: [UInt8] = []
        let lot = add(0..<15, byteCount, to: &space)
        perform(space.takeCommands(), &file)
        #expect(file.count % SpillBuffer.alignment == 0)
        #expect(read(lot, space.place(of: lot.lot), file) == lot.messages)
        let some = read(lot, space.place(of: lot.lot), file) { $0 == 7 || $0 == 9 }
        #expect(some.indices.filter { some[$0] != nil } == [7, 9] && some[7] == lot.messages[7])
    }

    /// Whatever tells a message from the first of its lot comes back, too.
    @Test func whatIsUnlikeTheFirstComesBackAsItWas() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let first = Spilled(0)
        let messages =
            [first, Spilled(1, 0)] + [
                first.with { $0.routingKey = Array("kez".utf8) },
                first.with { $0.routingKey = Array("longer key".utf8) },
                first.with { $0.properties = [0x10, 0, 1] },
                first.with { $0.priority = 3 },
                first.with { $0.care = 1 },
                first.with { $0.isPersistent = true },
                first.with { $0.published += 1 },
                first.with { $0.published += 32767 },
                first.with { $0.published += 32768 },
                first.with { $0.published -= 1 },
                first,
            ]
        let lot = add(messages, to: &space)
        perform(space.takeCommands(), &file)
        let place = space.place(of: lot.lot)
        #expect(!place.isWhole)
        #expect(read(lot, place, file) == messages)
    }

    @Test func messagesThatDifferInTheirBodiesTakeLittleMore() {
        var space = SpillSpace()
        let lot = add(0..<1000, to: &space)
        let place = space.place(of: lot.lot)
        #expect(place.byteCount < 1000 * 112 + 2 * SpillBuffer.alignment)
        let unlike = add(
            (0..<1000).map { number in Spilled(number).with { $0.properties[1] = UInt8(number % 2) } }, to: &space)
        #expect(space.place(of: unlike.lot).byteCount < 1000 * 132 + 2 * SpillBuffer.alignment)
    }

    /// They need not be copied.
    @Test func messagesThatHaveNothingInCommonStayWhereTheyAreRead() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let lot = add((0..<20).map { number in Spilled(number).with { $0.priority = UInt8(number) } }, to: &space)
        perform(space.takeCommands(), &file)
        let place = space.place(of: lot.lot)
        #expect(place.isWhole)
        #expect(read(lot, place, file) == lot.messages)
        #expect(read(lot, place, file) { $0 > 3 }.count { $0 != nil } == 16)
    }

    @Test func whatIsNotYetWrittenIsWrittenBeforeItIsRead() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let lot = add(0..<5, to: &space)
        let place = space.place(of: lot.lot)
        perform(space.takeCommands(), &file)
        #expect(read(lot, place, file) == lot.messages)
    }

    /// Several lots in one extent: each is read alone.
    @Test func aLotReadsNoMoreThanItself() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let lots = (0..<20).map { add($0 * 100..<$0 * 100 + 100, to: &space) }
        let commands = space.takeCommands()
        #expect(commands.count == 1)
        perform(commands, &file)
        for lot in lots {
            let place = space.place(of: lot.lot)
            #expect(place.byteCount <= 100 * 112 + 2 * SpillBuffer.alignment)
            #expect(read(lot, place, file) == lot.messages)
        }
    }

    @Test func damageIsFound() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let lot = add(0..<3, 20, to: &space)
        perform(space.takeCommands(), &file)
        let place = space.place(of: lot.lot)
        let record = place.start(of: lot.ids[1])
        for bit in 0..<28 * 8 {
            var damaged = file
            damaged[record + bit / 8] ^= 1 << (bit % 8)
            #expect(read(lot, place, damaged) == [lot.messages[0], nil, lot.messages[2]], "bit \(bit)")
        }
    }

    /// Those that are like the first are lost with it, and no others.
    @Test func damageOfTheFirstIsFound() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let lot = add([Spilled(0), Spilled(1), Spilled(2).with { $0.priority = 1 }], to: &space)
        perform(space.takeCommands(), &file)
        let place = space.place(of: lot.lot)
        for bit in 0..<(8 + lot.messages[0].byteCount) * 8 {
            var damaged = file
            damaged[bit / 8] ^= 1 << (bit % 8)
            #expect(read(lot, place, damaged) == [nil, nil, lot.messages[2]], "bit \(bit)")
        }
    }

    @Test func whatIsShorterThanItShouldBeIsFound() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let lot = add(0..<100, to: &space)
        perform(space.takeCommands(), &file)
        let place = space.place(of: lot.lot)
        for count in [0, 7, 8, 100, 4096, 8192] {
            let found = read(lot, place, Array(file[..<count]))
            let present = found.prefix { $0 != nil }.count
            #expect(found[present...].allSatisfy { $0 == nil } && present <= count / 112 + 1)
        }
    }

    /// A write was lost: what an earlier one has left there passes its own check.
    @Test func anOlderMessageIsNotTakenForANewerOne() {
        var space = SpillSpace()
        var file: [UInt8] = []
        let first = add(0..<3, to: &space).ids
        perform(space.takeCommands(), &file)
        for id in first { space.remove(id) }
        let lot = add(3..<6, to: &space)
        _ = space.takeCommands()
        #expect(read(lot, space.place(of: lot.lot), file) == [nil, nil, nil])
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
        let small = add(0..<1, to: &space)
        let large = add(1..<2, 3 << 20, to: &space)
        perform(space.takeCommands(), &file)
        #expect(read(small, space.place(of: small.lot), file) == small.messages)
        #expect(read(large, space.place(of: large.lot), file) == large.messages)
    }
}
