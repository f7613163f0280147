import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node
import Routing

/// `/api/queues`: queues, declared and deleted as a client of this user would.
enum QueuesResource: Resource {
    static let routes = [
        Route(.get, "/api/queues", access: .visibleVirtualHost, list),
        // RabbitMQ's fuller list; here every list is full.
        Route(.get, "/api/queues/detailed", access: .visibleVirtualHost, list),
        Route(.get, "/api/queues/{vhost}", access: .visibleVirtualHost, list),
        Route(.get, "/api/queues/{vhost}/{queue}", access: .virtualHost, show),
        Route(.put, "/api/queues/{vhost}/{queue}", access: .virtualHost, declare),
        Route(.delete, "/api/queues/{vhost}/{queue}", access: .virtualHost, delete),
        Route(.delete, "/api/queues/{vhost}/{queue}/contents", access: .virtualHost, purge),
        Route(.post, "/api/queues/{vhost}/{queue}/actions", access: .administrator, act),
        Route(.put, "/api/queues/{vhost}/{queue}/pause", access: .policies) { request throws(ManagementError) in
            try await setPaused(true, request)
        },
        Route(.put, "/api/queues/{vhost}/{queue}/resume", access: .policies) { request throws(ManagementError) in
            try await setPaused(false, request)
        },
    ]

    private static func list(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        try await request.list(
            QueueSource(
                request: request, virtualHosts: try request.listedVirtualHosts, extent: request.queueExtent,
                ranges: try QueueHistoryRanges(request.query)))
    }

    private static func show(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let queue = try await request.queueSnapshot()
        let extent = request.queueExtent
        let nodeName = request.context.nodeName
        let columns = Columns(request.query["columns"])
        let ranges = try QueueHistoryRanges(request.query)
        var view = QueueObject(queue: queue, extent: extent, context: request.context)
        if !ranges.isEmpty {
            view.show(await request.administration.queueSamples(at: [queue.address])[queue.address], ranges)
        }
        var object = view.object(columns)
        if extent == .everything, columns.want("consumer_details") {
            let consumers = await request.administration.read(shard: queue.address.shard) {
                $0.consumerSnapshots(of: queue.address)
            }
            object.append(
                "consumer_details",
                .array(consumers.map { .object(ConsumerObject(consumer: $0, nodeName: nodeName).object(.all)) }))
        }
        if extent == .everything, request.context.tellsRates,
            columns.want("incoming") || columns.want("deliveries")
        {
            await addPairs(of: queue, to: &object, request)
        }
        return .json(columns.project(object))
    }

    private static func addPairs(
        of queue: QueueSnapshot, to object: inout JSONObject, _ request: ManagementRequest
    ) async {
        var pairs: (incoming: [NamedActivity], deliveries: [ChannelActivity]) = ([], [])
        if request.context.countsPairs {
            await request.administration.noteCounters()
            pairs = await request.administration.pairs(ofQueue: queue.address, virtualHost: queue.virtualHost)
        }
        object.append(
            "deliveries", MessagePairsJSON.list(pairs.deliveries, nodeName: request.context.nodeName))
        object.append(
            "incoming", MessagePairsJSON.list(pairs.incoming, "exchange", virtualHost: queue.virtualHost))
    }

    private static func declare(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let host = try request.virtualHost
        let name = try request.name("queue")
        let fields = try request.fields()
        let declare = QueueDeclare(
            queue: name, durable: try fields.bool("durable") ?? false,
            autoDelete: try fields.bool("auto_delete") ?? false,
            arguments: try FieldTable(json: try fields.object("arguments") ?? JSONObject(), field: "arguments"))
        let existed = request.administration.controlPlane.queueAddress(name, virtualHost: host) != nil
        try await request.request(declare, virtualHost: host)
        return existed ? .noContent : .created
    }

    private static func delete(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        _ = try request.queueAddress()
        let delete = QueueDelete(
            queue: try request.name("queue"), ifUnused: request.query.isTrue("if-unused"),
            ifEmpty: request.query.isTrue("if-empty"))
        try await request.request(delete, virtualHost: try request.virtualHost)
        return .noContent
    }

    private static func purge(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        _ = try request.queueAddress()
        try await request.request(
            QueuePurge(queue: try request.name("queue")), virtualHost: try request.virtualHost)
        return .noContent
    }

    /// Deliveries stop, or go on; LavinMQ's paths.
    private static func setPaused(
        _ isPaused: Bool, _ request: ManagementRequest
    ) async throws(ManagementError) -> ManagementResponse {
        _ = try request.queueAddress()
        let (queue, host) = (try request.name("queue"), try request.virtualHost)
        try await request.change { controlPlane throws(AdministrationError) in
            try controlPlane.setPaused(isPaused, queue: queue, virtualHost: host)
        }
        return .noContent
    }

    /// RabbitMQ's actions are about mirrors, of which a node alone has none.
    private static func act(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        _ = try request.queueAddress()
        let fields = try request.fields()
        let action = try fields.required("action", try fields.string("action"))
        switch action {
        case "sync", "cancel_sync": return .noContent
        default: throw .badRequest("field 'action': unknown action '\(action.prefix(64))'")
        }
    }
}
