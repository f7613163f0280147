import Testing

@testable import leveretperf

@Suite struct ScheduleTests {
    @Test func producersTakeTurnsAtTheRateOfAll() {
        let schedules = (0..<3).map { Schedule(start: 1_000_000, rate: 3000, producer: $0, of: 3) }
        let times = (0..<9).map { schedules[$0 % 3].time(of: $0 / 3) }
        #expect(times == times.sorted())
        for (index, time) in times.enumerated() {
            let exact = 1_000_000 + Double(index) * 1e9 / 3000
            #expect(abs(Double(time) - exact) <= 1)
        }
    }

    @Test(arguments: [1.0, 7, 3000, 999_983, 5_000_000])
    func exactlyWhatIsDueIsDue(rate: Double) {
        let schedule = Schedule(start: 5_000_000_000, rate: rate, producer: 1, of: 2)
        #expect(schedule.dueCount(at: 0) == 0)
        #expect(schedule.dueCount(at: schedule.time(of: 0) - 1) == 0)
        for index in [0, 1, 2, 99, 1000, 123_456] {
            #expect(schedule.dueCount(at: schedule.time(of: index)) >= index + 1)
            let due = schedule.dueCount(at: schedule.time(of: index) + 1)
            #expect(schedule.time(of: due - 1) <= schedule.time(of: index) + 1)
        }
    }

    /// A broker that stands still for a second at 1000 messages/s holds up a thousand messages. All of them count, not
    /// only the one that was on its way.
    @Test func aStallIsChargedForEveryMessageThatWaited() {
        let control = RunControl(epoch: 0, secret: 0)
        control.openWindow(at: 0)
        let recorder = LatencyRecorder(control)
        let schedule = Schedule(start: 1_000_000_000, rate: 1000, producer: 0, of: 1)
        let stall: UInt64 = 1_000_000_000
        // Nine seconds of 100 us each, and one in which nothing is sent before its end.
        var sent = 0
        for second in 0..<10 {
            for millisecond in 0..<1000 {
                let now = 1_000_000_000 + UInt64(second * 1000 + millisecond) * 1_000_000
                if second == 5 { continue }
                let due = schedule.dueCount(at: now)
                while sent < due {
                    recorder.record(from: schedule.time(of: sent), to: now + 100_000)
                    sent += 1
                }
            }
        }
        let summary = LatencySummary([recorder])
        #expect(summary.count == 10_000)
        // A tenth of all messages waited, half a second in the middle.
        #expect(summary.percentile(89) < 150_000)
        #expect(summary.percentile(95) > 0.45 * Double(stall) && summary.percentile(95) < 0.55 * Double(stall))
        #expect(summary.max > 0.99 * Double(stall))
    }

    @Test func onlyMessagesOfTheWindowCount() {
        let control = RunControl(epoch: 0, secret: 0)
        let recorder = LatencyRecorder(control)
        recorder.record(from: 10, to: 20)
        control.openWindow(at: 100)
        recorder.record(from: 99, to: 200)
        recorder.record(from: 100, to: 200)
        control.closeWindow(at: 300)
        recorder.record(from: 299, to: 5000)
        recorder.record(from: 300, to: 5000)
        #expect(LatencySummary([recorder]).count == 2)
    }

    @Test func aClockThatGoesBackIsNoTrap() {
        let control = RunControl(epoch: 0, secret: 0)
        control.openWindow(at: 0)
        let recorder = LatencyRecorder(control)
        recorder.record(from: 500, to: 400)
        #expect(LatencySummary([recorder]).max == 0)
    }
}
