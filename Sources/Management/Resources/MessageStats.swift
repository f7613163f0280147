import Broker
import JSON

/// `message_stats`: what was done with messages, each count with its rate and, where it was asked for, its history.
enum MessageStats {
    /// Whose they are: some counts do not belong to everything.
    enum Subject { case queue, channel }

    struct Field: Sendable {
        let name: StaticString
        let detailsName: StaticString
        let isOfQueues: Bool
        let isOfChannels: Bool
        let count: @Sendable (MessageCounters) -> UInt64
        let rate: @Sendable (MessageRates) -> Double

        init(
            _ name: StaticString, _ detailsName: StaticString, isOfQueues: Bool = true, isOfChannels: Bool = true,
            _ count: @escaping @Sendable (MessageCounters) -> UInt64,
            _ rate: @escaping @Sendable (MessageRates) -> Double
        ) {
            self.name = name
            self.detailsName = detailsName
            self.isOfQueues = isOfQueues
            self.isOfChannels = isOfChannels
            self.count = count
            self.rate = rate
        }
    }

    static let fields = [
        Field("ack", "ack_details", { $0.ack }, { $0.ack }),
        Field("confirm", "confirm_details", isOfQueues: false, { $0.confirm }, { $0.confirm }),
        Field("deliver", "deliver_details", { $0.deliver }, { $0.deliver }),
        Field("deliver_get", "deliver_get_details", { $0.deliverGet }, { $0.deliverGet }),
        Field("deliver_no_ack", "deliver_no_ack_details", { $0.deliverNoAck }, { $0.deliverNoAck }),
        Field("disk_reads", "disk_reads_details", isOfChannels: false, { $0.diskReads }, { $0.diskReads }),
        Field("disk_writes", "disk_writes_details", isOfChannels: false, { $0.diskWrites }, { $0.diskWrites }),
        Field(
            "drop_unroutable", "drop_unroutable_details", isOfQueues: false, { $0.dropUnroutable },
            { $0.dropUnroutable }),
        Field("get", "get_details", { $0.get }, { $0.get }),
        Field("get_empty", "get_empty_details", { $0.getEmpty }, { $0.getEmpty }),
        Field("get_no_ack", "get_no_ack_details", { $0.getNoAck }, { $0.getNoAck }),
        Field("publish", "publish_details", { $0.publish }, { $0.publish }),
        Field("redeliver", "redeliver_details", { $0.redeliver }, { $0.redeliver }),
        Field(
            "return_unroutable", "return_unroutable_details", isOfQueues: false, { $0.returnUnroutable },
            { $0.returnUnroutable }),
    ]

    /// - Parameters:
    ///   - rates: nil where none are kept.
    ///   - history: how to find a count in the samples that were taken.
    static func write(
        _ counters: MessageCounters, _ rates: MessageRates?, _ subject: Subject, history: SampleHistoryQuery? = nil,
        to builder: inout JSONObjectBuilder
    ) {
        for field in fields where subject == .queue ? field.isOfQueues : field.isOfChannels {
            builder.add(field.name, Int(clamping: field.count(counters)))
            guard let rates else { continue }
            builder.addObject(field.detailsName) { details in
                addDetails(rate: field.rate(rates), samples: history?.samples(field.count), to: &details)
            }
        }
    }

    /// `..._details`: a rate, and samples with their averages.
    static func addDetails(
        rate: Double, samples: [SampleHistoryQuery.Sample]?, to builder: inout JSONObjectBuilder
    ) {
        builder.add("rate", rate)
        guard let samples, let first = samples.first, let last = samples.last else { return }
        builder.add(
            "samples",
            .array(samples.map { ["sample": .number($0.value), "timestamp": .number($0.milliseconds)] }))
        let sum = samples.reduce(0.0) { $0 + Double($1.value) }
        builder.add("avg", sum / Double(samples.count))
        let seconds = Double(first.milliseconds - last.milliseconds) / 1000
        let difference = Double(first.value) - Double(last.value)
        builder.add("avg_rate", seconds > 0 ? difference / seconds : 0)
    }
}

/// Part of a history that was asked for by `msg_rates_age` and `msg_rates_incr`, or `lengths_age` and `lengths_incr`:
/// how far back, and in which steps.
struct HistoryRange: Sendable {
    static let maxSampleCount = 500

    let ageMilliseconds: UInt64
    let stepMilliseconds: UInt64

    /// nil when the query asks for none.
    init?(_ query: Query, prefix: String) throws(ManagementError) {
        guard let age = try query.integer("\(prefix)_age"), let step = try query.integer("\(prefix)_incr") else {
            return nil
        }
        guard age > 0, step > 0, age / step <= Self.maxSampleCount, age <= 1 << 32, step <= 1 << 32 else {
            throw .badRequest("Invalid range parameters: age \(age), incr \(step)")
        }
        ageMilliseconds = UInt64(age) * 1000
        stepMilliseconds = UInt64(step) * 1000
    }
}

/// Samples that were taken, in the steps that were asked for.
struct SampleHistoryQuery {
    struct Sample {
        let milliseconds: UInt64
        let value: UInt64
    }

    let range: HistoryRange
    let series: SampleSeries

    init(range: HistoryRange, series: SampleSeries) {
        self.range = range
        self.series = series
    }

    /// nil where none is asked for, or there are no samples.
    init?(range: HistoryRange?, series: SampleSeries?) {
        guard let range, let series else { return nil }
        self.init(range: range, series: series)
    }

    func samples(_ value: (MessageCounters) -> UInt64) -> [Sample] { samples(of: series.counters.map(value)) }

    /// The latest first, as far back as samples reach. At each step counts the latest sample that was taken until then.
    func samples(of values: [UInt64]) -> [Sample] {
        guard let latest = series.milliseconds.first else { return [] }
        let last = latest / range.stepMilliseconds * range.stepMilliseconds
        var samples: [Sample] = []
        var index = 0
        var back: UInt64 = 0
        while back <= range.ageMilliseconds, back <= last {
            let moment = last - back
            while index < series.milliseconds.count, series.milliseconds[index] > moment { index += 1 }
            guard index < series.milliseconds.count, index < values.count else { break }
            samples.append(Sample(milliseconds: moment, value: values[index]))
            back += range.stepMilliseconds
        }
        return samples
    }
}
