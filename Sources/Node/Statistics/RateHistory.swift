/// What something was over the last day, the more exactly the more recent (RabbitMQ: `sample_retention_policies`). Its
/// size is fixed.
struct RateHistory<Sample: Sendable>: Sendable {
    private var rings: [SampleRing<Sample>]

    /// A minute by seconds, ten minutes by five seconds, an hour by minutes, eight hours by ten minutes, a day by half
    /// hours.
    init() {
        let tiers: [(capacity: Int, seconds: UInt64)] = [(61, 1), (122, 5), (62, 60), (50, 600), (50, 1800)]
        rings = tiers.map { SampleRing(capacity: $0.capacity, intervalMilliseconds: $0.seconds * 1000) }
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

    typealias Moment = SampleRing<Sample>.Moment

    var latest: Moment? { rings[0].latest }

    /// The latest sample, and the one of some time before it, or the oldest there is; nil before there are two.
    func ends(ofMilliseconds span: UInt64) -> (first: Moment, last: Moment)? {
        guard let last = rings[0].latest, let oldest = rings[0].oldest else { return nil }
        let start = last.milliseconds - min(span, last.milliseconds)
        let first = rings[0].sample(at: start) ?? oldest
        return first.milliseconds < last.milliseconds ? (first, last) : nil
    }

    /// Samples of the last `age` milliseconds, the latest first, so far apart: those that there are.
    func samples(ageMilliseconds age: UInt64, incrementMilliseconds increment: UInt64) -> [Moment] {
        guard let latest, increment > 0 else { return [] }
        let ring = ring(ageMilliseconds: age)
        var samples: [Moment] = []
        var back: UInt64 = 0
        while back <= age, back <= latest.milliseconds, samples.count < ring.capacity {
            guard let found = ring.sample(at: latest.milliseconds - back) else { break }
            samples.append(Moment(milliseconds: latest.milliseconds - back, sample: found.sample))
            back += increment
        }
        return samples
    }

    /// The most exact one that goes back so far; of those that do not, the one that goes back furthest.
    private func ring(ageMilliseconds age: UInt64) -> SampleRing<Sample> {
        for ring in rings where ring.spanMilliseconds >= age { return ring }
        return rings[rings.count - 1]
    }
}
