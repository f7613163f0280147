import AMQPWire
import Broker
import JSON
import Node

/// An exchange as the API shows it.
struct ExchangeObject: JSONWritable {
    let exchange: ExchangeSnapshot
    /// nil where they are not asked for.
    let counted: (counters: ExchangeCounters, rates: ExchangeRates)?

    func write(to builder: inout JSONObjectBuilder) {
        builder.add("name", exchange.name)
        builder.add("vhost", exchange.virtualHost)
        builder.add("type", exchange.type)
        builder.add("durable", exchange.isDurable)
        builder.add("auto_delete", exchange.isAutoDelete)
        builder.add("internal", exchange.isInternal)
        builder.add("arguments", .object(exchange.arguments.json))
        builder.add("policy", exchange.policies.policy.map { .text($0) } ?? .null)
        builder.add("user_who_performed_action", exchange.creator)
        if let (counters, rates) = counted {
            builder.addObject("message_stats") { stats in
                stats.add("publish_in", .number(counters.publishIn))
                stats.addObject("publish_in_details") { $0.add("rate", rates.publishIn) }
                stats.add("publish_out", .number(counters.publishOut))
                stats.addObject("publish_out_details") { $0.add("rate", rates.publishOut) }
            }
        }
    }
}

/// The exchanges that a request lists.
struct ExchangeSource: ListSource {
    static let isLong = true

    struct Key: Sendable {
        let virtualHost: ShortString
        let name: ShortString
    }

    let request: ManagementRequest
    let virtualHosts: [ShortString]
    let hasCounters: Bool

    func keys() async -> [Key] {
        if hasCounters { await request.administration.noteCounters() }
        return virtualHosts.flatMap { host in
            request.administration.controlPlane.exchangeNames(virtualHost: host).map {
                Key(virtualHost: host, name: $0)
            }
        }
    }

    func name(of key: Key) -> [UInt8] { key.name.bytes }

    func objects(_ keys: ArraySlice<Key>, _ columns: Columns) async -> [ExchangeObject?] {
        var found: [String: ExchangeSnapshot] = [:]
        for (host, keys) in Dictionary(grouping: keys, by: \.virtualHost) {
            let names = keys.map(\.name)
            for exchange in request.administration.controlPlane.exchangeSnapshots(named: names, virtualHost: host) {
                found[Self.place(host, exchange.name)] = exchange
            }
        }
        let exchanges = keys.map { found[Self.place($0.virtualHost, $0.name)] }
        let counters = await counters(of: exchanges, columns)
        return zip(exchanges, counters).map { exchange, counted in
            exchange.map { ExchangeObject(exchange: $0, counted: counted) }
        }
    }

    private static func place(_ host: ShortString, _ name: ShortString) -> String { "\(host)\u{0}\(name)" }

    private func counters(
        of exchanges: [ExchangeSnapshot?], _ columns: Columns
    ) async -> [(counters: ExchangeCounters, rates: ExchangeRates)?] {
        guard hasCounters, columns.want("message_stats") else { return exchanges.map { _ in nil } }
        let counted = await request.administration.exchangeActivity(of: exchanges.compactMap { $0?.reference })
        var rest = counted[...]
        return exchanges.map { $0 == nil ? nil : rest.popFirst() }
    }
}
