import Console

/// One figure of a run, with what is needed to set it beside that of another broker.
struct Metric: Equatable, Sendable {
    enum Unit: Equatable, Sendable {
        case perSecond, nanoseconds, secondsPerMillion, cores, mebibytes, bytes, kibibytes
    }

    /// Its name in JSON.
    let key: String
    let name: String
    let unit: Unit
    let value: Double

    var text: String { Self.text(value, unit) }

    static func text(_ value: Double, _ unit: Unit) -> String {
        switch unit {
        case .perSecond: "\(Quantity.grouped(value))/s"
        case .nanoseconds: Quantity.duration(nanoseconds: value)
        case .secondsPerMillion: "\(Quantity.fixed(value, 3)) s/M"
        case .cores: Quantity.fixed(value, 2)
        case .mebibytes: "\(Quantity.fixed(value, 1)) MiB"
        case .bytes: "\(Quantity.fixed(value, 1)) B"
        case .kibibytes: "\(Quantity.fixed(value, 1)) KiB"
        }
    }

    /// The middle of the values; of an even number of them the mean of the two in the middle. nil of none.
    static func median(_ values: [Double]) -> Double? {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return nil }
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}

extension LoadResult {
    /// What a comparison shows of it.
    var metrics: [Metric] {
        var metrics: [Metric] = []
        func add(_ key: String, _ name: String, _ unit: Metric.Unit, _ value: Double?) {
            if let value { metrics.append(Metric(key: key, name: name, unit: unit, value: value)) }
        }
        if let backlog {
            add("publish_rate", "filled", .perSecond, backlog.fill.rate)
            add("drain_rate", "drained", .perSecond, backlog.drain.rate)
            add("bytes_per_message", "memory a message", .bytes, backlog.bytesPerMessage)
        } else if let latency {
            for percentile in LatencySummary.percentiles.prefix(4) {
                add(
                    "\(percentile.key)_ns", "latency \(percentile.name)", .nanoseconds,
                    latency.percentile(percentile.value))
            }
            add("max_ns", "latency max", .nanoseconds, latency.max)
            if let confirmLatency {
                add("confirm_p50_ns", "confirm 50 %", .nanoseconds, confirmLatency.percentile(50))
                add("confirm_p99_ns", "confirm 99 %", .nanoseconds, confirmLatency.percentile(99))
            }
        } else {
            if plan.consumers > 0 { add("consume_rate", "consumed", .perSecond, consumeRate) }
            add("publish_rate", "published", .perSecond, publishRate)
            if plan.confirmWindow > 0 { add("confirm_rate", "confirmed", .perSecond, confirmRate) }
        }
        add("broker_cpu_s_per_m", "broker CPU", .secondsPerMillion, brokerSecondsPerMillion)
        add("broker_cores", "broker cores", .cores, window.use?.brokerCores)
        add("broker_rss_peak_mib", "broker memory", .mebibytes, residentPeakKibibytes.map { Double($0) / 1024 })
        add("client_cores", "client cores", .cores, window.use?.clientCores)
        if window.use?.brokerSeconds != nil { add("other_cores", "other cores", .cores, window.use?.otherCores) }
        return metrics
    }
}

extension ConnectionsResult {
    /// What a comparison shows of it.
    var metrics: [Metric] {
        var metrics = [
            Metric(key: "open_rate", name: "opened", unit: .perSecond, value: openRate),
            Metric(key: "open_p99_ns", name: "opening 99 %", unit: .nanoseconds, value: open.percentile(99)),
            Metric(key: "close_rate", name: "closed", unit: .perSecond, value: closeRate),
        ]
        if let size = kibibytesPerConnection {
            metrics.append(
                Metric(key: "kib_per_connection", name: "memory each", unit: .kibibytes, value: size))
        }
        if let use = openUse, let other = use.otherCores, use.brokerSeconds != nil {
            metrics.append(Metric(key: "other_cores", name: "other cores", unit: .cores, value: other))
        }
        return metrics
    }
}
