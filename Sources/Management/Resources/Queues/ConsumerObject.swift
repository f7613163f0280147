import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// A consumer as the API shows it.
struct ConsumerObject: JSONWritable {
    let consumer: ConsumerSnapshot
    let nodeName: String

    func write(to builder: inout JSONObjectBuilder) {
        let channel = consumer.name
        builder.add("consumer_tag", channel.tag)
        builder.addObject("queue") { queue in
            queue.add("name", consumer.queue)
            queue.add("vhost", consumer.virtualHost)
        }
        builder.add("ack_required", consumer.requiresAck)
        builder.add("exclusive", consumer.isExclusive)
        builder.add("prefetch_count", Int(consumer.prefetchCount))
        builder.add("active", consumer.isActive)
        builder.add("activity_status", .string(consumer.activity.rawValue))
        builder.add("arguments", .object(consumer.arguments.json))
        builder.add("messages_unacknowledged", consumer.unackedCount)
        // A number even where there is no timeout: rabbitmqadmin reads nothing else.
        builder.add("consumer_timeout", .number(consumer.timeoutMilliseconds ?? 0))
        builder.add(
            "channel_details", channelDetails(channel.connection, number: channel.channelNumber, nodeName: nodeName))
    }
}

/// `channel_details`: which channel something belongs to.
func channelDetails(_ connection: ConnectionDetails, number: UInt16, nodeName: String) -> JSONValue {
    [
        "name": .string("\(connection.name) (\(number))"), "number": .number(number), "user": .text(connection.user),
        "node": .string(nodeName), "connection_name": .string(connection.name),
        "peer_host": .string(connection.peer.host), "peer_port": .integer(connection.peer.port),
    ]
}

/// `connection_details`: which connection something belongs to.
func connectionDetails(_ connection: ConnectionDetails) -> JSONValue {
    [
        "name": .string(connection.name), "peer_host": .string(connection.peer.host),
        "peer_port": .integer(connection.peer.port),
    ]
}

/// `/api/consumers`.
enum ConsumersResource: Resource {
    static let routes = [
        Route(.get, "/api/consumers", access: .visibleVirtualHost, list),
        Route(.get, "/api/consumers/{vhost}", access: .visibleVirtualHost, list),
    ]

    private static func list(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        try await request.list(
            ConsumerSource(request: request, virtualHosts: Set(try request.listedVirtualHosts)))
    }
}

/// The consumers that a request lists. There is nothing smaller that names one.
struct ConsumerSource: ListSource {
    static let isLong = true

    let request: ManagementRequest
    let virtualHosts: Set<ShortString>

    func keys() async -> [ConsumerSnapshot] {
        let hosts = virtualHosts
        let consumers = await request.administration.collect { state, start, limit in
            let (items, next) = state.consumerSnapshots(from: start, limit: limit)
            return (items.filter { hosts.contains($0.virtualHost) }, next)
        }
        return consumers.sorted {
            ($0.virtualHost, $0.queue, $0.name.tag) < ($1.virtualHost, $1.queue, $1.name.tag)
        }
    }

    func name(of consumer: ConsumerSnapshot) -> [UInt8] { consumer.name.tag.bytes }

    func objects(_ consumers: ArraySlice<ConsumerSnapshot>, _ columns: Columns) async -> [ConsumerObject?] {
        consumers.map { ConsumerObject(consumer: $0, nodeName: request.context.nodeName) }
    }
}
