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
        var object = ChannelObject(channel: channel, context: request.context, history: history).object(columns)
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

/// A channel as the API shows it.
struct ChannelObject: JSONWritable {
    let channel: ChannelSnapshot
    let context: ManagementContext
    /// What was asked for of its past.
    let history: SampleHistoryQuery?

    func write(to builder: inout JSONObjectBuilder) {
        builder.add("name", .string(channel.name))
        builder.add("number", Int(channel.number))
        builder.add("user", channel.connection.user)
        builder.add("user_who_performed_action", channel.connection.user)
        builder.add("vhost", channel.connection.virtualHost)
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
            builder.add("idle_since", milliseconds: idle)
        }
        if context.tellsRates {
            builder.addObject("message_stats") { stats in
                MessageStats.write(channel.counters, channel.rates, .channel, history: history, to: &stats)
            }
        }
    }
}

/// The channels that a request lists.
struct ChannelSource: ListSource {
    static let isLong = true

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

    func name(of key: Key) -> [UInt8] { Array(key.name.utf8) }

    func objects(_ keys: ArraySlice<Key>, _ columns: Columns) async -> [ChannelObject?] {
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
                ChannelObject(
                    channel: item.channel, context: request.context,
                    history: SampleHistoryQuery(range: range, series: item.samples))
            }
        }
    }
}
