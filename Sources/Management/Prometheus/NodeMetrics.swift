import Broker
import Node

/// What a page says of the node as a whole.
package struct NodeMetrics: Sendable {
    /// All shards' together.
    package var statistics = ShardStatistics()
    /// All queues', channels' and connections' together.
    package var totals = VirtualHostSnapshot()
    /// Channels that have published.
    package var publisherCount = 0

    package let process: ProcessSnapshot
    package var logins: [LoginProtocol: LoginCounts] = [:]

    package init(_ process: ProcessSnapshot) { self.process = process }

    private static let amqp: MetricLabels = ["protocol": "amqp091"]

    private static func typed(_ type: String) -> MetricLabels {
        ["protocol": "amqp091", "queue_type": "rabbit_\(type)_queue"]
    }

    // MARK: Groups

    package func append(_ group: MetricGroup, prefix: MetricPrefix, to page: inout MetricsPage) {
        switch group {
        case .connectionChurn: appendChurn(prefix, to: &page)
        case .nodeUse: appendUse(prefix, to: &page)
        case .nodeLimits: appendLimits(prefix, to: &page)
        case .storage: appendStorage(prefix, to: &page)
        case .logins: appendLogins(prefix, to: &page)
        default: break
        }
    }

    private func appendChurn(_ prefix: MetricPrefix, to page: inout MetricsPage) {
        let families: [(String, String, UInt64)] = [
            ("connections_opened_total", "Total number of connections opened", statistics.connectionsOpened),
            (
                "connections_closed_total", "Total number of connections closed or terminated",
                statistics.connectionsClosed
            ),
            ("channels_opened_total", "Total number of channels opened", statistics.channelsOpened),
            ("channels_closed_total", "Total number of channels closed", statistics.channelsClosed),
            ("queues_declared_total", "Total number of queues declared", statistics.queuesDeclared),
            ("queues_created_total", "Total number of queues created", statistics.queuesCreated),
            ("queues_deleted_total", "Total number of queues deleted", statistics.queuesDeleted),
        ]
        for (name, help, value) in families {
            page.append(MetricFamily(name, .counter, help), prefix: prefix, Double(value))
        }
    }

    /// How many there are now.
    package func appendCounts(to page: inout MetricsPage) {
        let families: [(String, String, Int)] = [
            ("connections", "Connections currently open", totals.connectionCount),
            ("channels", "Channels currently open", totals.channelCount),
            ("consumers", "Consumers currently connected", totals.consumerCount),
            ("queues", "Queues available", totals.queueCount),
        ]
        for (name, help, value) in families { page.append(MetricFamily(name, .gauge, help), Double(value)) }
    }

    /// The counters of all channels, queues and connections that there are and have been: a sum over those that there
    /// are would shrink when one goes.
    package func appendCounterSums(to page: inout MetricsPage) {
        let messages = statistics.messages
        let families: [(MetricFamily, UInt64)] = [
            (.channelPublished, messages.publish), (.channelConfirmed, messages.confirm),
            (.channelReturned, messages.returnUnroutable), (.channelDropped, messages.dropUnroutable),
            (.channelGetAck, messages.get), (.channelGet, messages.getNoAck), (.channelDeliveredAck, messages.deliver),
            (.channelDelivered, messages.deliverNoAck), (.channelRedelivered, messages.redeliver),
            (.channelAcked, messages.ack), (.channelGetEmpty, messages.getEmpty),
        ]
        for (family, value) in families { page.append(family, Double(value)) }
        appendQueueSums(to: &page)
        page.append(
            MetricFamily(
                "connection_incoming_bytes_total", .counter, "Total number of bytes received on a connection"),
            Double(statistics.receivedByteCount))
        page.append(
            MetricFamily("connection_outgoing_bytes_total", .counter, "Total number of bytes sent on a connection"),
            Double(statistics.sentByteCount))
    }

    private func appendQueueSums(to page: inout MetricsPage) {
        let messages = statistics.classic + statistics.quorum
        let families: [(MetricFamily, UInt64)] = [
            (.queueGetAck, messages.get), (.queueGet, messages.getNoAck), (.queueDeliveredAck, messages.deliver),
            (.queueDelivered, messages.deliverNoAck), (.queueRedelivered, messages.redeliver),
            (.queueAcked, messages.ack), (.queueGetEmpty, messages.getEmpty),
            (.queueDiskReads, messages.diskReads), (.queueDiskWrites, messages.diskWrites),
            (.queuePublished, statistics.routed), (.queuePublishedThroughExchange, statistics.routed),
            (.exchangePublished, statistics.messages.publish),
        ]
        for (family, value) in families { page.append(family, Double(value)) }
    }

    // MARK: Global counters

    /// `rabbitmq_global_*`: by protocol, and by queue type.
    package func appendGlobal(to page: inout MetricsPage) {
        let messages = statistics.messages
        let families: [(String, MetricType, String, Int)] = [
            (
                "messages_received_total", .counter, "Total number of messages received from publishers",
                Int(clamping: messages.publish)
            ),
            (
                "messages_received_confirm_total", .counter,
                "Total number of messages received from publishers expecting confirmations",
                Int(clamping: statistics.publishConfirm)
            ),
            (
                "messages_routed_total", .counter, "Total number of messages routed to queues or streams",
                Int(clamping: statistics.routed)
            ),
            (
                "messages_unroutable_dropped_total", .counter,
                "Total number of messages published as non-mandatory into an exchange and dropped as unroutable",
                Int(clamping: messages.dropUnroutable)
            ),
            (
                "messages_unroutable_returned_total", .counter,
                "Total number of messages published as mandatory into an exchange and returned to the publisher as "
                    + "unroutable", Int(clamping: messages.returnUnroutable)
            ),
            (
                "messages_confirmed_total", .counter, "Total number of messages confirmed to publishers",
                Int(clamping: messages.confirm)
            ),
            ("publishers", .gauge, "Current number of publishers", publisherCount),
            ("consumers", .gauge, "Current number of consumers", totals.consumerCount),
        ]
        for (name, type, help, value) in families {
            page.append(MetricFamily("global_\(name)", type, help), [.init(Self.amqp, Double(value))])
        }
        for (name, help, counter) in Self.typedFamilies {
            page.append(
                MetricFamily("global_\(name)", .counter, help),
                [
                    .init(Self.typed("classic"), Double(counter(statistics.classic))),
                    .init(Self.typed("quorum"), Double(counter(statistics.quorum))),
                ])
        }
    }

    private static let typedFamilies: [(String, String, @Sendable (MessageCounters) -> UInt64)] = [
        ("messages_delivered_total", "Total number of messages delivered to consumers", { $0.deliverGet }),
        (
            "messages_delivered_consume_manual_ack_total",
            "Total number of messages delivered to consumers using basic.consume with manual acknowledgment",
            { $0.deliver }
        ),
        (
            "messages_delivered_consume_auto_ack_total",
            "Total number of messages delivered to consumers using basic.consume with automatic acknowledgment",
            { $0.deliverNoAck }
        ),
        (
            "messages_delivered_get_manual_ack_total",
            "Total number of messages delivered to consumers using basic.get with manual acknowledgment",
            { $0.get }
        ),
        (
            "messages_delivered_get_auto_ack_total",
            "Total number of messages delivered to consumers using basic.get with automatic acknowledgment",
            { $0.getNoAck }
        ),
        (
            "messages_get_empty_total", "Total number of times basic.get operations fetched no message",
            { $0.getEmpty }
        ),
        ("messages_redelivered_total", "Total number of messages redelivered to consumers", { $0.redeliver }),
        ("messages_acknowledged_total", "Total number of messages acknowledged by consumers", { $0.ack }),
    ]

    /// The histogram `message_size_bytes`.
    package func appendMessageSizes(to page: inout MetricsPage) {
        let count = statistics.messages.publish
        let bounds = MessageSizes.bounds.map { String($0) } + ["+Inf"]
        var samples = zip(bounds, statistics.sizes.cumulativeCounts(of: count)).map { bound, count in
            MetricsPage.Sample(suffix: "_bucket", ["protocol": "amqp091", "le": bound], Double(count))
        }
        samples.append(.init(suffix: "_sum", Self.amqp, Double(statistics.sizes.byteCount)))
        samples.append(.init(suffix: "_count", Self.amqp, Double(count)))
        page.append(
            MetricFamily("message_size_bytes", .histogram, "Size of messages received from publishers"), samples)
    }
}

/// Which node a page is of, and what it runs.
package struct NodeIdentity: Sendable {
    package let node: String
    package let cluster: String
    package let version: String

    package init(node: String, cluster: String, version: String) {
        self.node = node
        self.cluster = cluster
        self.version = version
    }

    /// - Parameter endpoint: RabbitMQ's name for the page: dashboards choose one kind of page by it.
    package func append(to page: inout MetricsPage, endpoint: String) {
        page.append(
            MetricFamily("build_info", .untyped, "RabbitMQ & Erlang/OTP version info"),
            [
                .init(
                    [
                        "rabbitmq_version": version, "erlang_version": "none", "product_name": "Leveret",
                        "product_version": Version.current,
                    ], 1)
            ])
        page.append(
            MetricFamily("identity_info", .untyped, "RabbitMQ node & cluster identity info"),
            [
                .init(["rabbitmq_node": node, "rabbitmq_cluster": cluster, "rabbitmq_endpoint": endpoint], 1)
            ])
    }
}
