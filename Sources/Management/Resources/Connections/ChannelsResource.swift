import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// `/api/channels`.
enum ChannelsResource: Resource {
    static let routes = [
        Route(.get, "/api/channels", access: .management, list),
        Route(.get, "/api/vhosts/{vhost}/channels", access: .visibleVirtualHost, list),
        Route(.get, "/api/channels/{channel}", access: .management, show),
    ]

    /// - Parameter history: what was asked for of its past.
    static func object(
        of channel: ChannelSnapshot, _ context: ManagementContext, _ columns: Columns,
        history: SampleHistoryQuery? = nil
    ) -> JSONObject {
        var builder = JSONObjectBuilder(columns)
        builder.add("name", .string(channel.name))
        builder.add("number", Int(channel.number))
        builder.add("user", .text(channel.connection.user))
        builder.add("user_who_performed_action", .text(channel.connection.user))
        builder.add("vhost", .text(channel.connection.virtualHost))
        builder.add("node", .string(context.nodeName))
        builder.add("state", .string(channel.state.rawValue))
        builder.add("connection_details", connectionDetails(channel.connection))
        builder.add("consumer_count", channel.consumerCount)
        builder.add("prefetch_count", Int(channel.prefetchCount))
        builder.add("global_prefetch_count", Int(channel.globalPrefetchCount))
        builder.add("messages_unacknowledged", channel.unackedCount)
        builder.add("messages_unconfirmed", channel.unconfirmedCount)
        builder.add("messages_uncommitted", channel.uncommittedCount)
        builder.add("acks_uncommitted", channel.uncommittedAckCount)
        builder.add("confirm", channel.isConfirming)
        builder.add("transactional", channel.isTransactional)
        if let idle = channel.idleSinceMilliseconds {
            builder.add("idle_since", .string(Timestamps.text(milliseconds: idle)))
        }
        if context.tellsRates {
            builder.add(
                "message_stats",
                .object(MessageStats.object(channel.counters, channel.rates, .channel, history: history)))
        }
        return builder.object
    }

    private static func list(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let host = request.parameters["vhost"] == nil ? try request.namedVirtualHost : try request.virtualHost
        return try await request.list(
            ChannelSource(
                request: request, virtualHost: host, connection: nil,
                range: try HistoryRange(request.query, prefix: "msg_rates")))
    }

    private static func show(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let name = request.parameters["channel"] ?? ""
        let found = await request.administration.collect { state, start, limit in
            let (items, next) = state.channelSnapshots(from: start, limit: limit)
            return (items.filter { $0.name == name }, next)
        }
        guard let channel = found.first else { throw .notFound }
        guard request.user.isMonitor || channel.connection.user == request.user.name else {
            throw .notAuthorised("User not authorised to access object")
        }
        let columns = Columns(request.query["columns"])
        let nodeName = request.context.nodeName
        let range = try HistoryRange(request.query, prefix: "msg_rates")
        var samples: SampleSeries?
        if range != nil {
            let (address, number) = (channel.connection.address, channel.number)
            samples = await request.administration.read(shard: Int(address.shard)) {
                $0.samples(ofChannel: number, of: address)
            }
        }
        let history = SampleHistoryQuery(range: range, series: samples)
        var object = object(of: channel, request.context, columns, history: history)
        if columns.want("consumer_details") {
            let consumers = await consumers(of: channel, request.administration)
            object.append(
                "consumer_details",
                .array(consumers.map { .object(ConsumerObject(consumer: $0, nodeName: nodeName).object(.all)) }))
        }
        if request.context.tellsRates, columns.want("publishes") || columns.want("deliveries") {
            await addPairs(of: channel, to: &object, request)
        }
        return .json(columns.project(object))
    }

    private static func addPairs(
        of channel: ChannelSnapshot, to object: inout JSONObject, _ request: ManagementRequest
    ) async {
        var pairs: (publishes: [NamedActivity], deliveries: [NamedActivity]) = ([], [])
        if request.context.countsPairs {
            await request.administration.noteCounters()
            let (address, number) = (channel.connection.address, channel.number)
            let found = await request.administration.read(shard: Int(address.shard)) {
                $0.pairs(ofChannel: number, of: address)
            }
            pairs = found ?? ([], [])
        }
        let host = channel.connection.virtualHost
        object.append("publishes", MessagePairsJSON.list(pairs.publishes, "exchange", virtualHost: host))
        object.append("deliveries", MessagePairsJSON.list(pairs.deliveries, "queue", virtualHost: host))
    }

    /// They are known where their queues live, on whatever shard.
    private static func consumers(
        of channel: ChannelSnapshot, _ administration: Administration
    ) async -> [ConsumerSnapshot] {
        await administration.collect { state, start, limit in
            let (items, next) = state.consumerSnapshots(from: start, limit: limit)
            let own = items.filter {
                $0.name.connection.address == channel.connection.address && $0.name.channelNumber == channel.number
            }
            return (own, next)
        }
    }
}

/// The channels that a request lists.
struct ChannelSource: ListSource {
    struct Key: Sendable {
        let connection: ConnectionAddress
        let number: UInt16
        let virtualHost: ShortString
        let name: String
    }

    let request: ManagementRequest
    /// nil: of all.
    let virtualHost: ShortString?
    let connection: ConnectionAddress?
    /// What was asked for of their past.
    let range: HistoryRange?

    func keys() async -> [Key] {
        let (request, virtualHost, connection) = (request, virtualHost, connection)
        let keys = await request.administration.collect { state, start, limit in
            let (items, next) = state.channelSnapshots(from: start, limit: limit)
            let listed = items.filter { channel in
                request.lists(
                    user: channel.connection.user, virtualHost: channel.connection.virtualHost, named: virtualHost)
                    && (connection == nil || connection == channel.connection.address)
            }
            return (
                listed.map {
                    Key(
                        connection: $0.connection.address, number: $0.number, virtualHost: $0.connection.virtualHost,
                        name: $0.name)
                }, next
            )
        }
        return keys.sorted { ($0.virtualHost, $0.name) < ($1.virtualHost, $1.name) }
    }

    func name(of key: Key) -> String { key.name }

    func objects(_ keys: ArraySlice<Key>, _ columns: Columns) async -> [JSONObject?] {
        typealias Found = (channel: ChannelSnapshot, samples: SampleSeries?)
        var found: [ConnectionAddress: [UInt16: Found]] = [:]
        let hasHistory = range != nil
        for (shard, keys) in Dictionary(grouping: keys, by: \.connection.shard) {
            let addresses = Set(keys.map(\.connection))
            let channels = await request.administration.read(shard: Int(shard)) { state -> [Found] in
                addresses.flatMap { address in
                    state.channelSnapshots(of: address).map { channel in
                        (channel, hasHistory ? state.samples(ofChannel: channel.number, of: address) : nil)
                    }
                }
            }
            for item in channels {
                found[item.channel.connection.address, default: [:]][item.channel.number] = item
            }
        }
        return keys.map { key in
            found[key.connection]?[key.number].map { item in
                ChannelsResource.object(
                    of: item.channel, request.context, columns,
                    history: SampleHistoryQuery(range: range, series: item.samples))
            }
        }
    }
}
