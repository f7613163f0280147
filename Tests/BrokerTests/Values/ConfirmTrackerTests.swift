import Testing

@testable import Broker

struct ConfirmTrackerTests {
    @Test func whatIsReachedIsConfirmedAtOnceAndFolded() {
        var tracker = ConfirmTracker()
        tracker.select()
        #expect(tracker.takeConfirm() == nil)
        tracker.publish(position: 1, reached: 1)
        #expect(tracker.takeConfirm()! == (1, false))
        for position in 2...5 as ClosedRange<UInt64> { tracker.publish(position: position, reached: position) }
        #expect(tracker.takeConfirm()! == (5, true))
        #expect(tracker.takeConfirm() == nil)
        #expect(tracker.unconfirmedCount == 0)
    }

    @Test func whatIsNotReachedWaits() {
        var tracker = ConfirmTracker()
        defer { tracker.deallocate() }
        tracker.select()
        tracker.publish(position: 10, reached: 9)
        tracker.publish(position: 20, reached: 9)
        // Its own position is reached, but those before it wait.
        tracker.publish(position: 5, reached: 9)
        #expect(tracker.takeConfirm() == nil)
        tracker.reach(10)
        #expect(tracker.takeConfirm()! == (1, false))
        tracker.reach(19)
        #expect(tracker.takeConfirm() == nil)
        tracker.reach(20)
        #expect(tracker.takeConfirm()! == (3, true))
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func everyPublishIsConfirmedOnceAndNoneTooEarly(seed: UInt64) {
        var random = seededRandom(seed)
        var tracker = ConfirmTracker()
        defer { tracker.deallocate() }
        tracker.select()
        var positions: [UInt64] = []
        var position: UInt64 = 0
        var reached: UInt64 = 0
        var confirmed = 0
        for _ in 0..<2_000 {
            if Bool.random(using: &random) {
                position += UInt64.random(in: 1...4, using: &random)
                positions.append(position)
                tracker.publish(position: position, reached: reached)
            } else {
                reached += UInt64.random(in: 0...6, using: &random)
                tracker.reach(reached)
            }
            guard let (tag, multiple) = tracker.takeConfirm() else { continue }
            #expect(Int(tag) > confirmed)
            #expect(multiple == (Int(tag) - confirmed > 1))
            for number in confirmed..<Int(tag) { #expect(positions[number] <= reached) }
            confirmed = Int(tag)
            #expect(confirmed == positions.count || positions[confirmed] > reached)
        }
        #expect(tracker.unconfirmedCount == UInt64(positions.count - confirmed))
    }
}
