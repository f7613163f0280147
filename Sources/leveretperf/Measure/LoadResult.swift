/// What a run of a load has shown.
struct LoadResult: Sendable {
    let plan: LoadPlan
    let product: String
    /// Host, port and virtual host.
    let place: String
    var setupSeconds = 0.0
    var window = Coordinator.Window()
    /// When the last message was published, confirmed and delivered, in the window's clock.
    var lastTimes = LastTimes()
    var latency: LatencySummary?
    var confirmLatency: LatencySummary?
    var sendLag: LatencySummary?
    var verify: VerifyResult?
    var residentPeakKibibytes: Int?
    var backlog: BacklogResult?

    struct LastTimes: Equatable, Sendable {
        var publish: UInt64 = 0
        var confirm: UInt64 = 0
        var consume: UInt64 = 0
    }

    var published: Int { window.end.published - window.start.published }
    var consumed: Int { window.end.consumed - window.start.consumed }
    var confirmed: Int { window.end.confirmed - window.start.confirmed }
    var publishRate: Double { rate(published, lastTimes.publish) }
    var consumeRate: Double { rate(consumed, lastTimes.consume) }
    var confirmRate: Double { rate(confirmed, lastTimes.confirm) }

    /// A fixed number of messages is measured up to the last of them, a time to its end.
    private func rate(_ count: Int, _ last: UInt64) -> Double {
        guard count > 0 else { return 0 }
        let end = plan.messages == nil || last == 0 ? window.end.time : last
        return Double(count) / max(1e-9, Double(end - min(end, window.start.time)) / 1e9)
    }

    /// What the broker's processor time is divided by.
    var deliveriesOrMessages: Int { max(published, consumed) }
    var brokerSecondsPerMillion: Double? {
        guard let seconds = window.use?.brokerSeconds, deliveriesOrMessages > 0 else { return nil }
        return seconds / (Double(deliveriesOrMessages) / 1e6)
    }
}

/// The two halves of a backlog.
struct BacklogResult: Sendable {
    struct Half: Equatable, Sendable {
        var seconds = 0.0
        var rate = 0.0
        /// The rate of each tenth.
        var slices: [Double] = []
        var brokerSecondsPerMillion: Double?
    }

    var fill = Half()
    /// From the first publish until the queues held everything.
    var settledSeconds = 0.0
    var queued = 0
    var drain = Half()
    var residentBeforeKibibytes: Int?
    var residentFullKibibytes: Int?

    /// What a message costs the broker in memory.
    var bytesPerMessage: Double? {
        guard let before = residentBeforeKibibytes, let full = residentFullKibibytes, queued > 0 else { return nil }
        return Double(full - before) * 1024 / Double(queued)
    }

    /// The rate of each tenth of `total`, from counts at moments; moments between them are interpolated.
    static func slices(_ samples: [(time: UInt64, count: Int)], total: Int) -> [Double] {
        guard total >= 10, samples.count > 1 else { return [] }
        func time(of count: Double) -> Double? {
            guard let index = samples.firstIndex(where: { Double($0.count) >= count }) else { return nil }
            guard index > 0 else { return Double(samples[0].time) }
            let (before, after) = (samples[index - 1], samples[index])
            let share = (count - Double(before.count)) / Double(max(1, after.count - before.count))
            return Double(before.time) + share * Double(after.time - before.time)
        }
        let times = (0...10).compactMap { time(of: Double(total) * Double($0) / 10) }
        guard times.count == 11 else { return [] }
        return (0..<10).map { Double(total) / 10 / max(1e-9, (times[$0 + 1] - times[$0]) / 1e9) }
    }
}
