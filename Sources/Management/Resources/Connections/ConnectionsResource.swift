import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// `/api/connections`: clients' connections, and their end.
enum ConnectionsResource: Resource {
    static let routes = [
        Route(.get, "/api/connections", access: .management, list),
        Route(.get, "/api/vhosts/{vhost}/connections", access: .visibleVirtualHost, list),
        Route(.get, "/api/connections/username/{user}", access: .management, listOfUser),
        Route(.delete, "/api/connections/username/{user}", access: .management, closeOfUser),
        Route(.get, "/api/connections/{connection}", access: .management, show),
        Route(.delete, "/api/connections/{connection}", access: .management, close),
        Route(.get, "/api/connections/{connection}/channels", access: .management, listChannels),
    ]

    private static func list(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let host = request.parameters["vhost"] == nil ? try request.namedVirtualHost : try request.virtualHost
        return try await request.list(
            ConnectionSource(
                request: request, virtualHost: host, owner: nil,
                range: try HistoryRange(request.query, prefix: "data_rates")))
    }

    private static func listOfUser(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        try await request.list(
            ConnectionSource(
                request: request, virtualHost: nil, owner: try request.name("user"),
                range: try HistoryRange(request.query, prefix: "data_rates")))
    }

    /// - Throws: 404; 401 when it is another user's and this one may not see it.
    private static func existing(_ request: ManagementRequest) async throws(ManagementError) -> ConnectionSnapshot {
        let name = request.parameters["connection"] ?? ""
        let found = await request.administration.collect { state, start, limit in
            let (items, next) = state.connectionSnapshots(from: start, limit: limit)
            return (items.filter { $0.name == name }, next)
        }
        guard let connection = found.first else { throw .notFound }
        let mayAct = request.method == .delete ? request.user.isAdministrator : request.user.isMonitor
        guard mayAct || connection.user == request.user.name else {
            throw .notAuthorised("User not authorised to access object")
        }
        return connection
    }

    private static func show(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let columns = Columns(request.query["columns"])
        let connection = try await existing(request)
        let range = try HistoryRange(request.query, prefix: "data_rates")
        var samples: SampleSeries?
        if range != nil {
            let address = connection.address
            samples = await request.administration.read(shard: Int(address.shard)) {
                $0.samples(ofConnection: address)
            }
        }
        let history = SampleHistoryQuery(range: range, series: samples)
        return .json(
            ConnectionObject(connection: connection, context: request.context, history: history).object(columns))
    }

    private static func listChannels(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let connection = try await existing(request)
        return try await request.list(
            ChannelSource(
                request: request, virtualHost: nil, connection: connection.address,
                range: try HistoryRange(request.query, prefix: "msg_rates")))
    }

    private static func close(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let connection = try await existing(request)
        await request.administration.closeConnection(connection.address, reason: reason(request))
        return .noContent
    }

    private static func reason(_ request: ManagementRequest) -> String {
        guard let reason = request.headers[.xReason], !reason.isEmpty else { return "Closed via management plugin" }
        return reason
    }

    private static func closeOfUser(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let owner = try request.name("user")
        guard request.user.isAdministrator || request.user.name == owner else {
            throw .notAuthorised("User not authorised to access object")
        }
        let source = ConnectionSource(request: request, virtualHost: nil, owner: owner, range: nil)
        for key in await source.keys() {
            await request.administration.closeConnection(key.address, reason: reason(request))
        }
        return .noContent
    }
}

/// A connection as the API shows it.
struct ConnectionObject: JSONWritable {
    let connection: ConnectionSnapshot
    let context: ManagementContext
    /// What was asked for of its past.
    let history: SampleHistoryQuery?

    private static let tlsFields: [StaticString] = [
        "ssl_protocol", "ssl_cipher", "ssl_hash", "ssl_key_exchange", "peer_cert_subject", "peer_cert_issuer",
        "peer_cert_validity",
    ]

    func write(to builder: inout JSONObjectBuilder) {
        builder.add("name", .string(connection.name))
        builder.add("user", connection.user)
        builder.add("vhost", connection.virtualHost)
        builder.add("state", .string(connection.state.rawValue))
        builder.add("channels", connection.channelCount)
        builder.add("node", .string(context.nodeName))
        builder.add("type", .string("network"))
        builder.add("protocol", .string("AMQP 0-9-1"))
        builder.add("auth_mechanism", connection.mechanism)
        builder.add("connected_at", .number(connection.connectedMilliseconds))
        builder.add("host", .string(connection.peer.localHost))
        builder.add("port", connection.peer.localPort)
        builder.add("peer_host", .string(connection.peer.host))
        builder.add("peer_port", connection.peer.port)
        if let name = connection.clientProvidedName { builder.add("user_provided_name", .string(name)) }
        builder.add("user_who_performed_action", connection.user)
        builder.add("client_properties", .object(connection.clientProperties.json))
        builder.add("timeout", Int(connection.heartbeatSeconds))
        builder.add("frame_max", Int(connection.frameMax))
        builder.add("channel_max", Int(connection.channelMax))
        builder.add("ssl", false)
        for field in Self.tlsFields { builder.add(field, JSONValue.null) }
        builder.add("recv_oct", .number(connection.receivedByteCount))
        builder.addObject("recv_oct_details") { details in
            let samples = history?.samples(of: history?.series.received ?? [])
            MessageStats.addDetails(rate: connection.receivedByteRate, samples: samples, to: &details)
        }
        builder.add("recv_cnt", .number(connection.readCount))
        builder.add("send_oct", .number(connection.sentByteCount))
        builder.addObject("send_oct_details") { details in
            let samples = history?.samples(of: history?.series.sent ?? [])
            MessageStats.addDetails(rate: connection.sentByteRate, samples: samples, to: &details)
        }
        builder.add("send_cnt", .number(connection.writeCount))
        builder.add("send_pend", connection.pendingByteCount)
        if context.tellsRates {
            builder.addObject("message_stats") { stats in
                MessageStats.write(connection.counters, nil, .channel, to: &stats)
            }
        }
    }
}

/// The connections that a request lists.
struct ConnectionSource: ListSource {
    static let isLong = true

    struct Key: Sendable {
        let address: ConnectionAddress
        let virtualHost: ShortString
        let name: String
    }

    let request: ManagementRequest
    /// nil: of all.
    let virtualHost: ShortString?
    let owner: ShortString?
    /// What was asked for of their past.
    let range: HistoryRange?

    func keys() async -> [Key] {
        let (request, virtualHost, owner) = (request, virtualHost, owner)
        let keys = await request.administration.collect { state, start, limit in
            let (items, next) = state.connectionSnapshots(from: start, limit: limit)
            let listed = items.filter {
                request.lists(user: $0.user, virtualHost: $0.virtualHost, named: virtualHost)
                    && (owner == nil || owner == $0.user)
            }
            return (listed.map { Key(address: $0.address, virtualHost: $0.virtualHost, name: $0.name) }, next)
        }
        return keys.sorted { ($0.virtualHost, $0.name) < ($1.virtualHost, $1.name) }
    }

    func name(of key: Key) -> [UInt8] { Array(key.name.utf8) }

    func objects(_ keys: ArraySlice<Key>, _ columns: Columns) async -> [ConnectionObject?] {
        typealias Found = (connection: ConnectionSnapshot, samples: SampleSeries?)
        var found: [ConnectionAddress: Found] = [:]
        let hasHistory = range != nil
        for (shard, keys) in Dictionary(grouping: keys, by: \.address.shard) {
            let addresses = keys.map(\.address)
            let connections = await request.administration.read(shard: Int(shard)) { state -> [Found] in
                addresses.compactMap { address in
                    state.connectionSnapshot(at: address).map { connection in
                        (connection, hasHistory ? state.samples(ofConnection: address) : nil)
                    }
                }
            }
            for item in connections { found[item.connection.address] = item }
        }
        return keys.map { key in
            found[key.address].map { item in
                ConnectionObject(
                    connection: item.connection, context: request.context,
                    history: SampleHistoryQuery(range: range, series: item.samples))
            }
        }
    }
}
