/// What Prometheus takes the values of a metric for.
package enum MetricType: String, Sendable {
    case counter, gauge, histogram, untyped
}

/// One metric: its name without prefix, its type and what it means, as the exposition format heads its samples.
package struct MetricFamily: Sendable, Equatable {
    /// Such as `queue_messages_ready`. Counters end in `_total`, as everywhere with Prometheus.
    package let name: String
    package let type: MetricType
    package let help: String

    package init(_ name: String, _ type: MetricType, _ help: String) {
        self.name = name
        self.type = type
        self.help = help
    }
}

/// What stands before the names of a page's metrics.
package enum MetricPrefix: String, Sendable {
    /// `/metrics` and `/metrics/per-object`.
    case plain = "rabbitmq_"
    /// `/metrics/detailed`, so that both can be scraped into one Prometheus.
    case detailed = "rabbitmq_detailed_"
    /// What is the same on every node of a cluster, of `/metrics/detailed`.
    case cluster = "rabbitmq_cluster_"
}
