import Journal
import Testing

@testable import Broker

/// A queue's marks beside what the journal would know of them.
private final class MarkedQueue {
    var marks = DeliveryMarks()
    private var position: UInt64 = 0
    /// In the lane, oldest first.
    private var written: [(lane: Int, sequence: UInt64, position: UInt64)] = []
    /// What recovery would find: the highest mark of each lane.
    private var stable: [Int: UInt64] = [:]
    private(set) var renewalCount = 0

    /// As `ShardState` asks. What may be delivered is covered by a mark on stable storage.
    func mayDeliver(_ id: UInt64, place: UInt64) -> Bool {
        let isAllowed = marks.allows(id) || renew(id, place)
        let known = stable[MessageID.lane(id)] ?? 0
        if isAllowed, MessageID.sequence(id) > known {
            Issue.record("\(MessageID.sequence(id)) of lane \(MessageID.lane(id)) is beyond the mark \(known)")
        }
        return isAllowed
    }

    private func renew(_ id: UInt64, _ place: UInt64) -> Bool {
        if let (lane, sequence) = marks.renew(id, place: place) {
            #expect(lane == MessageID.lane(id))
            #expect(sequence >= MessageID.sequence(id))
            position += 32
            written.append((lane, sequence, position))
            marks.expect(lane: lane, sequence: sequence, position: position)
            renewalCount += 1
        }
        return marks.isStable(id)
    }

    /// Some of what is in the lane gets to stable storage.
    func sync(_ count: Int) {
        let count = min(count, written.count)
        let reached = count == 0 ? 0 : written[count - 1].position
        for mark in written[..<count] { stable[mark.lane] = max(stable[mark.lane] ?? 0, mark.sequence) }
        written.removeFirst(count)
        if count > 0 {
            let isWaiting = marks.advance(synced: reached)
            #expect(isWaiting == !written.isEmpty)
        }
    }

    var waitingCount: Int { written.count }
}

struct DeliveryMarksTests {
    @Test(arguments: Seeds.first(40))
    func onlyWhatIsMarkedOnStableStorageIsAllowed(seed: UInt64) {
        var random = seededRandom(seed)
        let queue = MarkedQueue()
        defer { queue.marks.deallocate() }
        let laneCount = Int.random(in: 1...5, using: &random)
        let lanes = (0..<laneCount).map { _ in Int.random(in: 0..<64, using: &random) }
        var sequences = lanes.map { _ in UInt64.random(in: 0...1_000_000, using: &random) }
        // How much of each lane is this queue's.
        let gaps = lanes.map { _ in UInt64(1) << UInt64.random(in: 0...16, using: &random) }
        var place: UInt64 = 0
        var requeued: [(id: UInt64, place: UInt64)] = []
        for _ in 0..<4_000 {
            let lane = Int.random(in: 0..<laneCount, using: &random)
            sequences[lane] += UInt64.random(in: 1...gaps[lane], using: &random)
            place += 1
            let id = MessageID.make(lane: lanes[lane], sequence: sequences[lane])
            if Int.random(in: 0..<4, using: &random) == 0 { queue.sync(Int.random(in: 0...3, using: &random)) }
            if !queue.mayDeliver(id, place: place) {
                // Something is on its way, and then it may: a queue never waits for nothing.
                #expect(queue.waitingCount > 0)
                queue.sync(.max)
                #expect(queue.mayDeliver(id, place: place))
            }
            if Int.random(in: 0..<20, using: &random) == 0 { requeued.append((id, place)) }
            if let (id, place) = requeued.randomElement(using: &random) {
                #expect(queue.mayDeliver(id, place: place))
            }
        }
        #expect(!queue.marks.isEmpty)
    }

    @Test func nothingIsAllowedBeforeTheFirstMark() {
        let queue = MarkedQueue()
        defer { queue.marks.deallocate() }
        #expect(queue.marks.isEmpty)
        let first = MessageID.make(lane: 3, sequence: 1)
        let second = MessageID.make(lane: 3, sequence: 2)
        #expect(!queue.mayDeliver(first, place: 1))
        #expect(!queue.mayDeliver(second, place: 2))
        #expect(queue.renewalCount == 1)
        queue.sync(1)
        #expect(queue.mayDeliver(first, place: 1))
        #expect(queue.mayDeliver(second, place: 2))
        #expect(!queue.mayDeliver(MessageID.make(lane: 2, sequence: 1), place: 3))
        #expect(!queue.mayDeliver(MessageID.make(lane: 4, sequence: 1), place: 3))
        #expect(queue.renewalCount == 3)
    }

    /// Nobody waits who has not waited for the first: marks are renewed before they are used up.
    @Test func aSteadyQueueWaitsOnlyOnce() {
        let queue = MarkedQueue()
        defer { queue.marks.deallocate() }
        #expect(!queue.mayDeliver(MessageID.make(lane: 0, sequence: 1), place: 1))
        queue.sync(.max)
        for number in 1...400_000 as ClosedRange<UInt64> {
            guard queue.mayDeliver(MessageID.make(lane: 0, sequence: number), place: number) else {
                Issue.record("message \(number) has to wait")
                return
            }
            // The journal is a hundred messages behind.
            if number % 100 == 0 { queue.sync(.max) }
        }
        #expect(queue.renewalCount < 400_000 / 512)
        #expect(queue.renewalCount > 400_000 / 50_000)
    }

    /// One queue of a hundred thousand that share a lane shall not write a mark for each of its messages.
    @Test(arguments: [10, 1_000, 100_000] as [UInt64])
    func stepsGrowWithTheLaneThatOthersUse(share: UInt64) {
        let queue = MarkedQueue()
        defer { queue.marks.deallocate() }
        for number in 1...20_000 as ClosedRange<UInt64> {
            let id = MessageID.make(lane: 7, sequence: number * share)
            if !queue.mayDeliver(id, place: number) { queue.sync(.max) }
            if !queue.mayDeliver(id, place: number) { Issue.record("message \(number) never comes") }
        }
        #expect(queue.renewalCount < 100)
    }

    /// Far beyond what was delivered: too many would come back as redelivered.
    @Test func stepsShrinkAgain() {
        let queue = MarkedQueue()
        defer { queue.marks.deallocate() }
        var sequence: UInt64 = 0
        var place: UInt64 = 0
        func deliver(_ count: Int, share: UInt64) {
            for _ in 0..<count {
                sequence += share
                place += 1
                let id = MessageID.make(lane: 0, sequence: sequence)
                if !queue.mayDeliver(id, place: place) { queue.sync(.max) }
            }
        }
        deliver(2_000, share: 100_000)
        deliver(400_000, share: 1_024)
        let before = queue.renewalCount
        deliver(300_000, share: 1_024)
        #expect(queue.renewalCount - before > 5)
    }
}
