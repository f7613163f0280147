import Testing

@testable import Broker

struct ConfirmTrackerTests {
    private func synced(_ position: UInt64) -> JournalMark { JournalMark(position: position, isFlush: false) }

    private func reach(_ tracker: inout ConfirmTracker, written: UInt64, synced: UInt64) -> Bool {
        tracker.reach(written: written, synced: synced)
    }

    @Test func whatWaitsForNothingIsConfirmedAtOnceAndFolded() {
        var tracker = ConfirmTracker()
        #expect(tracker.takeConfirm() == nil)
        tracker.publish(waitingFor: .none)
        #expect(tracker.takeConfirm()! == (1, false, false))
        for _ in 2...5 { tracker.publish(waitingFor: .none) }
        #expect(tracker.takeConfirm()! == (5, true, false))
        #expect(tracker.takeConfirm() == nil)
        #expect(tracker.unconfirmedCount == 0)
    }

    @Test func whatIsNotReachedWaits() {
        var tracker = ConfirmTracker()
        defer { tracker.deallocate() }
        tracker.publish(waitingFor: synced(10))
        tracker.publish(waitingFor: synced(20))
        // It waits for nothing itself, but those before it do.
        tracker.publish(waitingFor: .none)
        #expect(tracker.takeConfirm() == nil)
        #expect(reach(&tracker, written: 10, synced: 9))
        #expect(tracker.takeConfirm() == nil)
        #expect(reach(&tracker, written: 30, synced: 10))
        #expect(tracker.takeConfirm()! == (1, false, false))
        #expect(reach(&tracker, written: 30, synced: 19))
        #expect(tracker.takeConfirm() == nil)
        #expect(!reach(&tracker, written: 30, synced: 20))
        #expect(tracker.takeConfirm()! == (3, true, false))
    }

    @Test func flushWaitsForTheWriteOnly() {
        var tracker = ConfirmTracker()
        defer { tracker.deallocate() }
        tracker.publish(waitingFor: JournalMark(position: 10, isFlush: true))
        #expect(reach(&tracker, written: 9, synced: 0))
        #expect(!reach(&tracker, written: 10, synced: 0))
        #expect(tracker.takeConfirm()! == (1, false, false))
    }

    @Test func whatIsRejectedIsAnsweredInItsPlace() {
        var tracker = ConfirmTracker()
        defer { tracker.deallocate() }
        for _ in 1...9 { tracker.publish(waitingFor: synced(10)) }
        // In any order, and by several queues.
        for number in [7, 3, 8, 4, 3, 9, 1] as [UInt64] { tracker.reject(number) }
        #expect(tracker.takeConfirm() == nil)
        _ = reach(&tracker, written: 10, synced: 10)
        #expect(tracker.takeConfirm()! == (1, false, true))
        #expect(tracker.takeConfirm()! == (2, false, false))
        #expect(tracker.takeConfirm()! == (4, true, true))
        #expect(tracker.takeConfirm()! == (6, true, false))
        #expect(tracker.takeConfirm()! == (9, true, true))
        #expect(tracker.takeConfirm() == nil)
        // Too late, or never published.
        tracker.reject(5)
        tracker.reject(10)
        tracker.publish(waitingFor: .none)
        #expect(tracker.takeConfirm()! == (10, false, false))
    }

    @Test func whatIsRejectedWaitsForWhatIsBeforeIt() {
        var tracker = ConfirmTracker()
        defer { tracker.deallocate() }
        tracker.publish(waitingFor: synced(10))
        tracker.publish(waitingFor: synced(20))
        tracker.publish(waitingFor: .none)
        tracker.reject(2)
        tracker.reject(3)
        #expect(reach(&tracker, written: 10, synced: 10))
        #expect(tracker.takeConfirm()! == (1, false, false))
        #expect(tracker.takeConfirm() == nil)
        #expect(!reach(&tracker, written: 20, synced: 20))
        #expect(tracker.takeConfirm()! == (3, true, true))
    }

    /// Rejections come in any order, some twice, and always before what they are about is settled.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func everyPublishIsAnsweredAsItsQueuesDid(seed: UInt64) {
        var random = seededRandom(seed)
        var tracker = ConfirmTracker()
        defer { tracker.deallocate() }
        var isRejected: [Bool] = []
        var answers: [Bool] = []
        var reached = 0
        for _ in 0..<500 {
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                isRejected.append(Int.random(in: 0..<3, using: &random) == 0)
                tracker.publish(waitingFor: synced(UInt64(isRejected.count)))
            }
            let next = Int.random(in: reached...isRejected.count, using: &random)
            for number in (reached..<next).shuffled(using: &random) where isRejected[number] {
                for _ in 0...Int.random(in: 0...1, using: &random) { tracker.reject(UInt64(number + 1)) }
            }
            reached = next
            _ = reach(&tracker, written: UInt64(reached), synced: UInt64(reached))
            while let (tag, multiple, isNack) = tracker.takeConfirm() {
                #expect(multiple == (Int(tag) - answers.count > 1))
                while answers.count < Int(tag) { answers.append(isNack) }
            }
            #expect(answers == Array(isRejected[..<reached]))
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func everyPublishIsConfirmedOnceAndNoneTooEarly(seed: UInt64) {
        var random = seededRandom(seed)
        var tracker = ConfirmTracker()
        defer { tracker.deallocate() }
        var positions: [UInt64] = []
        var position: UInt64 = 0
        var reached: UInt64 = 0
        var confirmed = 0
        for _ in 0..<2_000 {
            if Bool.random(using: &random) {
                position += UInt64.random(in: 1...4, using: &random)
                positions.append(position)
                tracker.publish(waitingFor: synced(position))
            } else {
                reached = min(position, reached + UInt64.random(in: 0...6, using: &random))
                let isWaiting = tracker.reach(written: position, synced: reached)
                #expect(isWaiting == (reached < (positions.last ?? 0)))
            }
            guard let (tag, multiple, _) = tracker.takeConfirm() else { continue }
            #expect(Int(tag) > confirmed)
            #expect(multiple == (Int(tag) - confirmed > 1))
            for number in confirmed..<Int(tag) { #expect(positions[number] <= reached) }
            confirmed = Int(tag)
            #expect(confirmed == positions.count || positions[confirmed] > reached)
        }
        #expect(tracker.unconfirmedCount == UInt64(positions.count - confirmed))
    }
}
