import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// `/api/exchanges`: exchanges, declared and deleted as a client of this user would; publishing.
enum ExchangesResource: Resource {
    static let routes = [
        Route(.get, "/api/exchanges", access: .visibleVirtualHost, list),
        Route(.get, "/api/exchanges/{vhost}", access: .visibleVirtualHost, list),
        Route(.get, "/api/exchanges/{vhost}/{exchange}", access: .virtualHost, show),
        Route(.put, "/api/exchanges/{vhost}/{exchange}", access: .virtualHost, declare),
        Route(.delete, "/api/exchanges/{vhost}/{exchange}", access: .virtualHost, delete),
        Route(.post, "/api/exchanges/{vhost}/{exchange}/publish", access: .virtualHost, publish),
    ]

    private static func list(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        try await request.list(
            ExchangeSource(
                request: request, virtualHosts: try request.listedVirtualHosts,
                hasCounters: hasCounters(request)))
    }

    private static func hasCounters(_ request: ManagementRequest) -> Bool {
        request.context.tellsRates && !request.query.isTrue("disable_stats")
    }

    private static func show(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let exchange = try existing(request)
        let source = ExchangeSource(
            request: request, virtualHosts: [try request.virtualHost],
            hasCounters: hasCounters(request))
        if source.hasCounters { await request.administration.noteCounters() }
        let key = ExchangeSource.Key(
            virtualHost: try request.virtualHost, name: try request.exchangeName("exchange"))
        let columns = Columns(request.query["columns"])
        guard let shown = await source.objects([key], columns)[0] else { throw .notFound }
        var object = shown.object(columns)
        if source.hasCounters, columns.want("incoming") || columns.want("outgoing") {
            let pairs =
                request.context.countsPairs
                ? await request.administration.pairs(ofExchange: exchange.reference) : ([], [])
            object.append("incoming", MessagePairsJSON.list(pairs.0, nodeName: request.context.nodeName))
            object.append("outgoing", MessagePairsJSON.list(pairs.1, "queue", virtualHost: exchange.virtualHost))
        }
        return .json(columns.project(object))
    }

    /// - Throws: 404.
    private static func existing(_ request: ManagementRequest) throws(ManagementError) -> ExchangeSnapshot {
        let host = try request.virtualHost
        let found = request.administration.controlPlane.exchangeSnapshots(
            named: [try request.exchangeName("exchange")], virtualHost: host)
        guard let exchange = found.first else { throw .notFound }
        return exchange
    }

    private static func declare(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let host = try request.virtualHost
        let name = try request.exchangeName("exchange")
        let fields = try request.fields()
        let type = try fields.string("type") ?? "direct"
        guard let typeName = ShortString(type) else {
            throw .badRequest("field 'type' has more than \(ShortString.byteLimit) bytes")
        }
        let declare = ExchangeDeclare(
            exchange: name, type: typeName, durable: try fields.bool("durable") ?? false,
            autoDelete: try fields.bool("auto_delete") ?? false, internal: try fields.bool("internal") ?? false,
            arguments: try FieldTable(json: try fields.object("arguments") ?? JSONObject(), field: "arguments"))
        let found = request.administration.controlPlane.exchangeSnapshots(named: [name], virtualHost: host)
        try await request.request(declare, virtualHost: host)
        return found.isEmpty ? .created : .noContent
    }

    private static func delete(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let exchange = try existing(request)
        try await request.request(
            ExchangeDelete(exchange: exchange.name, ifUnused: request.query.isTrue("if-unused")),
            virtualHost: exchange.virtualHost)
        return .noContent
    }

    // MARK: Publishing

    private static func publish(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let exchange = try existing(request)
        let fields = try request.fields()
        let key = try fields.required("routing_key", try fields.string("routing_key"))
        guard let routingKey = ShortString(key) else {
            throw .badRequest("field 'routing_key' has more than \(ShortString.byteLimit) bytes")
        }
        let properties = try BasicProperties(
            json: try fields.required("properties", try fields.object("properties")))
        let payload = try fields.required("payload", try fields.string("payload"))
        let body: [UInt8]
        switch try fields.required("payload_encoding", try fields.string("payload_encoding")) {
        case "string": body = Array(payload.utf8)
        case "base64":
            guard let decoded = Base64.decode(payload) else { throw .badRequest("field 'payload': not base 64") }
            body = decoded
        case let encoding: throw .badRequest("field 'payload_encoding': unsupported encoding '\(encoding.prefix(64))'")
        }
        try checkAlarms(request)
        let outcome = try await request.withChannel(virtualHost: exchange.virtualHost) {
            connection throws(DirectError) in
            try await connection.publish(
                exchange: exchange.name, routingKey: routingKey, properties: properties, body: body)
        }
        guard outcome.wasAccepted else {
            throw .badRequest("rejected Unable to publish message. Check queue limits.")
        }
        return .json(["routed": .bool(outcome.wasRouted)])
    }

    /// Publishers are blocked while the node is short of something. Who asks over HTTP is told at once, and does not
    /// wait.
    private static func checkAlarms(_ request: ManagementRequest) throws(ManagementError) {
        let alarms = request.context.node.resourceAlarms
        if alarms.isEmpty { return }
        throw ManagementError(
            .serviceUnavailable, "publishing_blocked", "publishers are blocked: \(alarms.blockedReason)")
    }
}
