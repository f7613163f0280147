import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// `/api/bindings`: bindings, made and ended as a client of this user would.
enum BindingsResource: Resource {
    static let routes =
        [
            Route(.get, "/api/bindings", access: .visibleVirtualHost, list),
            Route(.get, "/api/bindings/{vhost}", access: .visibleVirtualHost, list),
            Route(.get, "/api/exchanges/{vhost}/{exchange}/bindings/source", access: .virtualHost, listFromExchange),
            Route(
                .get, "/api/exchanges/{vhost}/{exchange}/bindings/destination", access: .virtualHost, listToExchange),
            Route(.get, "/api/queues/{vhost}/{queue}/bindings", access: .virtualHost, listToQueue),
        ] + between("q") + between("e")

    /// The letter of the path says what the destination is.
    private static func between(_ kind: String) -> [Route] {
        let isToQueue = kind == "q"
        let path = "/api/bindings/{vhost}/e/{source}/\(kind)/{destination}"
        return [
            Route(.get, path, access: .virtualHost) { request throws(ManagementError) in
                try await listBetween(request, isToQueue: isToQueue)
            },
            Route(.post, path, access: .virtualHost) { request throws(ManagementError) in
                try await bind(request, isToQueue: isToQueue)
            },
            Route(.get, path + "/{properties}", access: .virtualHost) { request throws(ManagementError) in
                let binding = try existing(request, isToQueue: isToQueue)
                return .json(Columns(request.query["columns"]).project(object(of: binding)))
            },
            Route(.delete, path + "/{properties}", access: .virtualHost) { request throws(ManagementError) in
                try await unbind(request, isToQueue: isToQueue)
            },
        ]
    }

    static func object(of binding: BindingSnapshot) -> JSONObject {
        [
            "source": .text(binding.source), "vhost": .text(binding.virtualHost),
            "destination": .text(binding.destination),
            "destination_type": .string(binding.isToQueue ? "queue" : "exchange"),
            "routing_key": .text(binding.routingKey), "arguments": .object(binding.arguments.json),
            "properties_key": .string(PropertiesKey(binding).text),
        ]
    }

    // MARK: Lists

    private static func list(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let administration = request.administration
        var bindings: [BindingSnapshot] = []
        for host in try request.listedVirtualHosts {
            for exchange in administration.controlPlane.exchangeNames(virtualHost: host) {
                bindings += sorted(await administration.bindings(fromExchange: exchange, virtualHost: host))
            }
        }
        return try await request.list(BindingSource(bindings: bindings))
    }

    private static func listFromExchange(
        _ request: ManagementRequest
    ) async throws(ManagementError) -> ManagementResponse {
        let host = try request.virtualHost
        let name = try existingExchange(request, host)
        return try await list(await request.administration.bindings(fromExchange: name, virtualHost: host), request)
    }

    private static func listToExchange(
        _ request: ManagementRequest
    ) async throws(ManagementError) -> ManagementResponse {
        let host = try request.virtualHost
        let name = try existingExchange(request, host)
        return try await list(
            request.administration.controlPlane.bindings(toExchange: name, virtualHost: host), request)
    }

    private static func existingExchange(
        _ request: ManagementRequest, _ host: ShortString
    ) throws(ManagementError) -> ShortString {
        let name = try request.exchangeName("exchange")
        let found = request.administration.controlPlane.exchangeSnapshots(named: [name], virtualHost: host)
        guard !found.isEmpty else { throw .notFound }
        return name
    }

    private static func listToQueue(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        _ = try request.queueAddress()
        let bindings = request.administration.controlPlane.bindings(
            toQueue: try request.name("queue"), virtualHost: try request.virtualHost)
        return try await list(bindings, request)
    }

    private static func list(
        _ bindings: [BindingSnapshot], _ request: ManagementRequest
    ) async throws(ManagementError) -> ManagementResponse {
        try await request.list(BindingSource(bindings: sorted(bindings)))
    }

    private static func sorted(_ bindings: [BindingSnapshot]) -> [BindingSnapshot] {
        bindings.sorted {
            ($0.source, $0.isToQueue ? 1 : 0, $0.destination, $0.routingKey)
                < ($1.source, $1.isToQueue ? 1 : 0, $1.destination, $1.routingKey)
        }
    }

    // MARK: Between two

    private static func listBetween(
        _ request: ManagementRequest, isToQueue: Bool
    ) async throws(ManagementError) -> ManagementResponse {
        try await list(try bindings(request, isToQueue: isToQueue), request)
    }

    private static func bindings(
        _ request: ManagementRequest, isToQueue: Bool
    ) throws(ManagementError) -> [BindingSnapshot] {
        let host = try request.virtualHost
        let source = try request.exchangeName("source")
        let destination = try destination(request, isToQueue)
        let plane = request.administration.controlPlane
        let all =
            isToQueue
            ? plane.bindings(toQueue: destination, virtualHost: host)
            : plane.bindings(toExchange: destination, virtualHost: host)
        return all.filter { $0.source == source && $0.isToQueue == isToQueue }
    }

    private static func destination(
        _ request: ManagementRequest, _ isToQueue: Bool
    ) throws(ManagementError) -> ShortString {
        isToQueue ? try request.name("destination") : try request.exchangeName("destination")
    }

    /// - Throws: 404, or 400 when the properties key is none.
    private static func existing(
        _ request: ManagementRequest, isToQueue: Bool
    ) throws(ManagementError) -> BindingSnapshot {
        let wanted = try PropertiesKey(text: request.parameters["properties"] ?? "")
        let found = try bindings(request, isToQueue: isToQueue).first { PropertiesKey($0) == wanted }
        guard let found else { throw .notFound }
        return found
    }

    private static func bind(
        _ request: ManagementRequest, isToQueue: Bool
    ) async throws(ManagementError) -> ManagementResponse {
        let host = try request.virtualHost
        let source = try request.exchangeName("source")
        let destination = try destination(request, isToQueue)
        let fields = try request.fields()
        guard let key = ShortString(try fields.string("routing_key") ?? "") else {
            throw .badRequest("field 'routing_key' has more than \(ShortString.byteLimit) bytes")
        }
        let arguments = try FieldTable(json: try fields.object("arguments") ?? JSONObject(), field: "arguments")
        if isToQueue {
            try await request.request(
                QueueBind(queue: destination, exchange: source, routingKey: key, arguments: arguments),
                virtualHost: host)
        } else {
            try await request.request(
                ExchangeBind(destination: destination, source: source, routingKey: key, arguments: arguments),
                virtualHost: host)
        }
        let properties = PropertiesKey(routingKey: key, arguments: arguments).text
        let name = request.path.split(separator: "/").last ?? ""
        return .created(location: "\(name)/\(PercentEncoding.encode(properties))")
    }

    private static func unbind(
        _ request: ManagementRequest, isToQueue: Bool
    ) async throws(ManagementError) -> ManagementResponse {
        let binding = try existing(request, isToQueue: isToQueue)
        if isToQueue {
            try await request.request(
                QueueUnbind(
                    queue: binding.destination, exchange: binding.source, routingKey: binding.routingKey,
                    arguments: binding.arguments), virtualHost: binding.virtualHost)
        } else {
            try await request.request(
                ExchangeUnbind(
                    destination: binding.destination, source: binding.source, routingKey: binding.routingKey,
                    arguments: binding.arguments), virtualHost: binding.virtualHost)
        }
        return .noContent
    }
}

/// Bindings that were found.
private struct BindingSource: ListSource {
    static let isLong = true

    let bindings: [BindingSnapshot]

    func keys() async -> [BindingSnapshot] { bindings }
    func name(of binding: BindingSnapshot) -> [UInt8] { binding.destination.bytes }

    func objects(_ bindings: ArraySlice<BindingSnapshot>, _ columns: Columns) async -> [JSONObject?] {
        bindings.map { BindingsResource.object(of: $0) }
    }
}
