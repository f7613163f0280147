/// What something was over the last day, the more exactly the more recent (RabbitMQ: `sample_retention_policies`). Its
/// size is fixed.
struct RateHistory<Sample: Sendable>: Sendable {
    private var rings: [SampleRing<Sample>]

    /// A minute by seconds, ten minutes by five seconds, an hour by minutes, eight hours by ten minutes, a day by half
    /// hours.
    init() {
        rings = [(61, 1), (122, 5), (62, 60), (50, 600), (50, 1800)].map {
            SampleRing(capacity: $0.0, intervalMilliseconds: $0.1 * 1000)
        }
    }

    /// Only a minute, by five seconds: for what there may be many of.
    static var short: RateHistory {
        var history = RateHistory()
        history.rings = [SampleRing(capacity: 14, intervalMilliseconds: 5000)]
        return history
    }

    mutating func append(_ sample: Sample, milliseconds: UInt64) {
        for index in rings.indices { rings[index].append(sample, milliseconds: milliseconds) }
    }

    var latest: (milliseconds: UInt64, sample: Sample)? { rings[0].count > 0 ? rings[0][0] : nil }

    /// The latest sample, and the one of some time before it, or the oldest there is; nil before there are two.
    func ends(ofMilliseconds span: UInt64) -> (first: (UInt64, Sample), last: (UInt64, Sample))? {
        guard rings[0].count > 1 else { return nil }
        let last = rings[0][0]
        let start = last.milliseconds - min(span, last.milliseconds)
        let first = rings[0].sample(at: start) ?? rings[0][rings[0].count - 1]
        return first.milliseconds < last.milliseconds ? (first, last) : nil
    }

    /// Samples of the last `age` milliseconds, the latest first, so far apart: those that there are.
    func samples(ageMilliseconds age: UInt64, incrementMilliseconds increment: UInt64) -> [(UInt64, Sample)] {
        guard let latest, increment > 0 else { return [] }
        let ring =
            rings.first { $0.intervalMilliseconds <= increment && $0.spanMilliseconds >= age }
            ?? rings.last { $0.intervalMilliseconds <= max(increment, rings[0].intervalMilliseconds) } ?? rings[0]
        var samples: [(UInt64, Sample)] = []
        var back: UInt64 = 0
        while back <= age, back <= latest.milliseconds, samples.count < ring.capacity {
            guard let found = ring.sample(at: latest.milliseconds - back) else { break }
            samples.append((latest.milliseconds - back, found.sample))
            back += increment
        }
        return samples
    }
}
