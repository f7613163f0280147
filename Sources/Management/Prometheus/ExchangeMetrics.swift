import AMQPWire
import Broker

/// An exchange with what all shards have counted of it.
package struct CountedExchange: Sendable {
    package let exchange: ExchangeSnapshot
    package let counters: ExchangeCounters
    /// Bindings that lead from it.
    package let bindingCount: Int

    package init(_ exchange: ExchangeSnapshot, _ counters: ExchangeCounters, bindingCount: Int) {
        self.exchange = exchange
        self.counters = counters
        self.bindingCount = bindingCount
    }
}

extension MetricGroup {
    /// What this group says of each exchange.
    var exchangeColumns: [MetricColumn<CountedExchange>] {
        switch self {
        case .exchanges:
            [
                MetricColumn(.exchangePublished, isSummed: false) { Double($0.counters.publishIn) },
                MetricColumn(
                    "exchange_messages_routed_total", .counter,
                    "Total number of messages that an exchange has handed to queues, each counted"
                ) { Double($0.counters.publishOut) },
            ]
        case .exchangeBindings:
            [
                MetricColumn("exchange_bindings", .gauge, "Number of bindings for an exchange") {
                    Double($0.bindingCount)
                }
            ]
        case .exchangeNames:
            [MetricColumn("exchange_name", .gauge, "Enumerates exchanges without any additional info") { _ in 1 }]
        default: []
        }
    }
}

extension MetricLabels {
    init(_ exchange: ExchangeSnapshot, withType: Bool) {
        self.init()
        append("vhost", exchange.virtualHost.bytes)
        append("exchange", exchange.name.bytes)
        if withType { append("type", exchange.type.bytes) }
    }
}

extension MetricFamily {
    static let exchangePublished = MetricFamily(
        "exchange_messages_published_total", .counter, "Total number of messages published into an exchange")
}
