import Broker
import JSON
import Node

/// Totals of a node or a virtual host as RabbitMQ shows them: each count with its rate and, where it was asked for,
/// what it was before.
struct TotalsJSON {
    let totals: TotalsSnapshot
    /// Whether samples of message counts, or of lengths, were asked for.
    let ages: StatisticsAges

    /// `message_stats`.
    var messageStats: JSONObject {
        let counters = totals.sample.counters
        let rates = totals.rates.messages
        var object = JSONObject()
        func add(_ name: String, _ field: (MessageCounters) -> UInt64, _ rate: Double) {
            object.append(name, .number(field(counters)))
            object.append(
                "\(name)_details", details(rate, wanted: ages.wantsMessages) { Int(clamping: field($0.counters)) })
        }
        add("ack", \.ack, rates.ack)
        add("confirm", \.confirm, rates.confirm)
        add("deliver", \.deliver, rates.deliver)
        add("deliver_get", \.deliverGet, rates.deliverGet)
        add("deliver_no_ack", \.deliverNoAck, rates.deliverNoAck)
        add("disk_reads", \.diskReads, rates.diskReads)
        add("disk_writes", \.diskWrites, rates.diskWrites)
        add("drop_unroutable", \.dropUnroutable, rates.dropUnroutable)
        add("get", \.get, rates.get)
        add("get_empty", \.getEmpty, rates.getEmpty)
        add("get_no_ack", \.getNoAck, rates.getNoAck)
        add("publish", \.publish, rates.publish)
        add("redeliver", \.redeliver, rates.redeliver)
        add("return_unroutable", \.returnUnroutable, rates.returnUnroutable)
        return object
    }

    /// `queue_totals`.
    var queueTotals: JSONObject {
        let (sample, rates) = (totals.sample, totals.rates.lengths)
        var object = JSONObject()
        func add(_ name: String, _ field: (TotalsSample) -> Int, _ rate: Double) {
            object.append(name, .integer(field(sample)))
            object.append("\(name)_details", details(rate, wanted: ages.wantsLengths, field))
        }
        add("messages", { $0.readyCount + $0.unackedCount }, rates.messages)
        add("messages_ready", \.readyCount, rates.ready)
        add("messages_unacknowledged", \.unackedCount, rates.unacked)
        return object
    }

    /// `churn_rates`.
    var churnRates: JSONObject {
        let (churn, rates) = (totals.sample.churn, totals.rates)
        var object = JSONObject()
        func add(_ name: String, _ field: (ChurnCounters) -> UInt64, _ rate: Double) {
            object.append(name, .number(field(churn)))
            object.append(
                "\(name)_details", details(rate, wanted: ages.wantsMessages) { Int(clamping: field($0.churn)) })
        }
        add("channel_closed", \.channelsClosed, rates.channelsClosed)
        add("channel_created", \.channelsCreated, rates.channelsCreated)
        add("connection_closed", \.connectionsClosed, rates.connectionsClosed)
        add("connection_created", \.connectionsCreated, rates.connectionsCreated)
        add("queue_created", \.queuesCreated, rates.queuesCreated)
        add("queue_declared", \.queuesDeclared, rates.queuesDeclared)
        add("queue_deleted", \.queuesDeleted, rates.queuesDeleted)
        return object
    }

    /// `recv_oct`, `send_oct`, with their rates.
    var traffic: JSONObject {
        [
            "recv_oct": .number(totals.sample.receivedByteCount),
            "recv_oct_details": ["rate": .double(totals.rates.receivedBytes)],
            "send_oct": .number(totals.sample.sentByteCount),
            "send_oct_details": ["rate": .double(totals.rates.sentBytes)],
        ]
    }

    private func details(_ rate: Double, wanted: Bool, _ field: (TotalsSample) -> Int) -> JSONValue {
        var object: JSONObject = ["rate": .double(rate)]
        guard wanted, !totals.history.isEmpty else { return .object(object) }
        let samples = totals.history.map { (milliseconds: $0.milliseconds, value: field($0.sample)) }
        object.append(
            "samples",
            .array(
                samples.map { ["sample": .integer($0.value), "timestamp": .number($0.milliseconds)] }))
        let (latest, oldest) = (samples[0], samples[samples.count - 1])
        if latest.milliseconds > oldest.milliseconds {
            let seconds = Double(latest.milliseconds - oldest.milliseconds) / 1000
            object.append("avg_rate", .double(Double(latest.value - oldest.value) / seconds))
        }
        object.append(
            "avg", .double(Double(samples.reduce(0) { $0 + $1.value }) / Double(samples.count)))
        return .object(object)
    }
}

/// `msg_rates_age`, `msg_rates_incr`, `lengths_age`, `lengths_incr`: which samples were asked for, in seconds.
struct StatisticsAges: Sendable {
    private(set) var span: HistorySpan?
    private(set) var wantsMessages = false
    private(set) var wantsLengths = false

    private static let ageLimit = 86_400

    /// None was.
    static let none = StatisticsAges()

    private init() {}

    init(_ query: Query) throws(ManagementError) {
        let messages = try Self.span(query, "msg_rates")
        let lengths = try Self.span(query, "lengths")
        wantsMessages = messages != nil
        wantsLengths = lengths != nil
        span = messages ?? lengths
    }

    private static func span(_ query: Query, _ name: String) throws(ManagementError) -> HistorySpan? {
        let age = try query.integer("\(name)_age")
        let increment = try query.integer("\(name)_incr")
        guard let age, let increment else {
            guard age == nil, increment == nil else {
                throw .badRequest("\(name)_age and \(name)_incr: one is missing")
            }
            return nil
        }
        guard 1...ageLimit ~= age, 1...ageLimit ~= increment, age / increment <= 10_000 else {
            throw .badRequest("\(name)_age and \(name)_incr: 1 to \(ageLimit) seconds were expected")
        }
        return HistorySpan(
            ageMilliseconds: UInt64(age) * 1000, incrementMilliseconds: UInt64(increment) * 1000)
    }
}
