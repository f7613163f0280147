import Journal
import Testing

@testable import Broker

struct LaneBufferTests {
    /// Appends a record of any kind but settlements.
    private func append(_ record: LaneRecord, to buffer: inout LaneBuffer) {
        switch record {
        case .message(let id, let holders, let content):
            holders.withUnsafeBufferPointer { holders in
                content.withUnsafeBytes { buffer.appendMessage(id: id, holders: holders, content: $0) }
            }
        case .replacement(let id, let holders, let content, let settledID, let settledHolder):
            holders.withUnsafeBufferPointer { holders in
                content.withUnsafeBytes {
                    buffer.appendReplacement(
                        id: id, holders: holders, content: $0, settledID: settledID, settledHolder: settledHolder)
                }
            }
        case .settlements(let all): for one in all { buffer.appendSettlement(id: one.id, holder: one.holder) }
        case .deliveryMark(let holder, let lane, let sequence):
            buffer.appendDeliveryMark(holder: holder, lane: Int(lane), sequence: sequence)
        case .delivered(let holder, let ids): buffer.appendDelivered(holder: holder, ids: ids)
        case .deliveryCount(let holder, let id, let count):
            buffer.appendDeliveryCount(holder: holder, id: id, count: count)
        case .stateChange(let bytes): bytes.withUnsafeBytes { buffer.appendStateChange($0) }
        case .holderRemoved(let holder): buffer.appendHolderRemoved(holder)
        case .stateSnapshot(let bytes): bytes.withUnsafeBytes { buffer.appendStateSnapshot($0) }
        }
    }

    private func bytes(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 1...255, using: &random) }
    }

    private func randomRecord(_ random: inout SeededRandom) -> LaneRecord {
        let holders = (0..<Int.random(in: 1...9, using: &random)).map { _ in
            UInt32.random(in: 1..<1 << 31, using: &random)
        }
        let content = bytes(Int.random(in: 0..<100, using: &random), &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return .message(id: random.next(), holders: holders, content: content)
        case 1:
            return .replacement(
                id: random.next(), holders: holders, content: content, settledID: random.next(),
                settledHolder: holders[0])
        case 2: return .deliveryMark(holder: holders[0], lane: 63, sequence: random.next() >> 6)
        case 3: return .delivered(holder: holders[0], ids: content.map { UInt64($0) << 32 })
        case 4: return .stateChange(content)
        case 5: return .holderRemoved(holders[0])
        case 6: return .deliveryCount(holder: holders[0], id: random.next(), count: holders[0])
        default: return .stateSnapshot(content)
        }
    }

    /// The buffer's memory is dirty when it is used again: what is not written must still be zero.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func everyRecordIsReadBackAsItWasAppended(seed: UInt64) throws {
        var random = seededRandom(seed)
        var buffer = LaneBuffer()
        defer { buffer.deallocate() }
        for _ in 0..<3 {
            var expected: [LaneRecord] = []
            for _ in 0..<200 {
                if Bool.random(using: &random) {
                    expected.append(randomRecord(&random))
                    append(expected[expected.count - 1], to: &buffer)
                    continue
                }
                let settled = LaneRecord.Settlement(id: random.next(), holder: UInt32.random(in: 1...5, using: &random))
                buffer.appendSettlement(id: settled.id, holder: settled.holder)
                if case .settlements(let earlier)? = expected.last {
                    expected[expected.count - 1] = .settlements(earlier + [settled])
                } else {
                    expected.append(.settlements([settled]))
                }
            }
            #expect(buffer.count % Record.alignment == 0)
            #expect(try LaneRecord.all(in: buffer) == expected)
            buffer.removeAll()
            #expect(buffer.isEmpty)
        }
    }

    @Test func aRecordOfEveryLengthIsPadded() throws {
        for count in 0...40 {
            var buffer = LaneBuffer()
            defer { buffer.deallocate() }
            let content = [UInt8](repeating: 0xFF, count: count)
            let records: [LaneRecord] = [
                .stateChange(content), .message(id: 1 << 6, holders: [1], content: content), .holderRemoved(7),
            ]
            for record in records { append(record, to: &buffer) }
            #expect(try LaneRecord.all(in: buffer) == records)
        }
    }

    /// A settlements record ends somewhere, so that one is never too large for a segment.
    @Test func settlementsShareARecordUpToALimit() throws {
        var buffer = LaneBuffer()
        defer { buffer.deallocate() }
        let all = (0..<20_000).map { LaneRecord.Settlement(id: UInt64($0) << 6, holder: UInt32($0)) }
        for one in all { buffer.appendSettlement(id: one.id, holder: one.holder) }
        let records = try LaneRecord.all(in: buffer)
        var found: [LaneRecord.Settlement] = []
        for case .settlements(let part) in records {
            #expect(part.count * 12 < 65_536 + 12)
            found += part
        }
        #expect(found == all)
        #expect(records.count == 4)
    }

    /// What comes between closes the record, also another buffer's records and an emptied buffer.
    @Test func settlementsGoOnlyIntoTheLastRecord() throws {
        var buffer = LaneBuffer()
        var other = LaneBuffer()
        defer {
            buffer.deallocate()
            other.deallocate()
        }
        buffer.appendSettlement(id: 64, holder: 1)
        buffer.appendHolderRemoved(9)
        buffer.appendSettlement(id: 128, holder: 1)
        other.appendSettlement(id: 192, holder: 2)
        other.appendSettlement(id: 256, holder: 2)
        buffer.append(other)
        buffer.appendSettlement(id: 320, holder: 3)
        buffer.append(LaneBuffer())
        buffer.appendSettlement(id: 384, holder: 3)
        let expected: [LaneRecord] = [
            .settled(64, 1), .holderRemoved(9), .settled(128, 1),
            .settlements([.init(id: 192, holder: 2), .init(id: 256, holder: 2)]),
            .settlements([.init(id: 320, holder: 3), .init(id: 384, holder: 3)]),
        ]
        #expect(try LaneRecord.all(in: buffer) == expected)
        buffer.removeAll()
        buffer.appendSettlement(id: 448, holder: 4)
        #expect(try LaneRecord.all(in: buffer) == [.settled(448, 4)])
    }

    @Test func aLargeMessageGrowsTheBufferAtOnce() throws {
        var buffer = LaneBuffer()
        defer { buffer.deallocate() }
        let records: [LaneRecord] = [
            .holderRemoved(1),
            .message(id: 64, holders: Array(1...1_000), content: [UInt8](repeating: 7, count: 3_000_001)),
            .settled(64, 2),
        ]
        for record in records { append(record, to: &buffer) }
        #expect(try LaneRecord.all(in: buffer) == records)
    }

    @Test(arguments: [0, 1, 63]) func aMessageIDNamesLaneAndSequence(lane: Int) {
        for sequence in [1, 2, 1 << 32, 1 << 58 - 1] as [UInt64] {
            let id = MessageID.make(lane: lane, sequence: sequence)
            #expect(MessageID.lane(id) == lane)
            #expect(MessageID.sequence(id) == sequence)
            #expect(id != 0)
        }
    }
}
