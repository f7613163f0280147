import Broker
import Testing

@testable import Node

/// Rates and samples, by a clock that the test keeps.
@Suite struct RateHistoryTests {
    private func history(_ values: [(seconds: UInt64, value: Int)]) -> RateHistory<Int> {
        var history = RateHistory<Int>()
        for (seconds, value) in values { history.append(value, milliseconds: seconds * 1000) }
        return history
    }

    @Test func aRateIsThatOfTheLatestSeconds() throws {
        let history = history((0...10).map { (1000 + $0, Int($0) * 10) })
        let (first, last) = try #require(history.ends(ofMilliseconds: 5000))
        #expect(first.sample == 50 && last.sample == 100 && last.milliseconds - first.milliseconds == 5000)
    }

    @Test func beforeThereAreTwoSamplesThereIsNoRate() {
        #expect(RateHistory<Int>().ends(ofMilliseconds: 5000) == nil)
        #expect(history([(1, 1)]).ends(ofMilliseconds: 5000) == nil)
        #expect(RateHistory<Int>().samples(ageMilliseconds: 60_000, incrementMilliseconds: 5000).isEmpty)
    }

    @Test func samplesAreTheLatestFirstAndAsFarApartAsAskedFor() {
        let history = history((0...100).map { (10_000 + $0, Int($0)) })
        let samples = history.samples(ageMilliseconds: 60_000, incrementMilliseconds: 10_000)
        #expect(samples.map(\.sample) == [100, 90, 80, 70, 60, 50, 40])
        #expect(samples[0].milliseconds == 10_100_000 && samples[1].milliseconds == 10_090_000)
    }

    @Test func whatIsLongAgoIsThereByTheHour() {
        var history = RateHistory<Int>()
        for second in 0..<90_000 { history.append(second, milliseconds: UInt64(1_000_000 + second) * 1000) }
        let samples = history.samples(ageMilliseconds: 86_400_000, incrementMilliseconds: 3_600_000)
        #expect(samples.count == 25)
        for (hours, sample) in samples.enumerated() {
            let exact = 89_999 - hours * 3600
            #expect((exact - 1800...exact).contains(sample.sample))
        }
    }

    @Test func aRingForgetsTheOldestAndTakesNothingTooEarly() {
        var ring = SampleRing<Int>(capacity: 3, intervalMilliseconds: 1000)
        for (time, value) in [(1000, 1), (1500, 2), (1990, 3), (2990, 4), (4000, 5)] as [(UInt64, Int)] {
            ring.append(value, milliseconds: time)
        }
        #expect(ring.count == 3 && ring[0].sample == 5 && ring[1].sample == 4 && ring[2].sample == 3)
        #expect(ring.sample(at: 3999)?.sample == 4 && ring.sample(at: 1989) == nil)
    }

    @Test func totalsGiveTheirRates() {
        var first = TotalsSample()
        first.readyCount = 100
        var last = first
        last.counters.publish = 50
        last.readyCount = 90
        last.churn.queuesCreated = 5
        last.receivedByteCount = 1000
        let rates = TotalsRates(from: first, to: last, seconds: 5)
        #expect(rates.messages.publish == 10 && rates.lengths.ready == -2 && rates.lengths.messages == -2)
        #expect(rates.queuesCreated == 1 && rates.receivedBytes == 200)
        #expect(TotalsRates(from: first, to: last, seconds: 0) == TotalsRates())
    }

    @Test func theSystemsFilesAreRead() {
        #expect(ProcessMeter.residentByteCount(statm: "100 2 1 1 0 50 0\n") == 2 * 4096)
        #expect(ProcessMeter.residentByteCount(statm: "") == 0)
        #expect(ProcessMeter.threadCount(status: "Name:\tx\nThreads:\t12\nSigQ:\t0/1\n") == 12)
        #expect(ProcessMeter.threadCount(status: "") == 0)
    }
}
