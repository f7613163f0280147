import AMQPWire
import Broker

extension MetricGroup {
    /// What this group says of each connection.
    var connectionColumns: [MetricColumn<ConnectionSnapshot>] {
        switch self {
        case .connectionBytes:
            [
                MetricColumn(
                    "connection_incoming_bytes_total", .counter, "Total number of bytes received on a connection",
                    isSummed: false
                ) { Double($0.receivedByteCount) },
                MetricColumn(
                    "connection_outgoing_bytes_total", .counter, "Total number of bytes sent on a connection",
                    isSummed: false
                ) { Double($0.sentByteCount) },
            ]
        case .connections:
            [
                MetricColumn(
                    "connection_incoming_packets_total", .counter, "Total number of packets received on a connection",
                    isSummed: false
                ) { Double($0.readCount) },
                MetricColumn(
                    "connection_outgoing_packets_total", .counter, "Total number of packets sent on a connection",
                    isSummed: false
                ) { Double($0.writeCount) },
                MetricColumn(
                    "connection_pending_packets", .gauge, "Bytes waiting to be sent on a connection"
                ) { Double($0.pendingByteCount) },
                MetricColumn("connection_channels", .gauge, "Channels on a connection") {
                    Double($0.channelCount)
                },
            ]
        default: []
        }
    }

    /// What this group says of each channel.
    var channelColumns: [MetricColumn<ChannelSnapshot>] {
        switch self {
        case .channels: Self.channelStateColumns
        case .channelPublishes: Self.channelPublishColumns
        case .channelDeliveries: Self.channelDeliveryColumns
        default: []
        }
    }

    private static let channelStateColumns: [MetricColumn<ChannelSnapshot>] = [
        MetricColumn("channel_consumers", .gauge, "Consumers on a channel") { Double($0.consumerCount) },
        MetricColumn("channel_messages_unacked", .gauge, "Delivered but not yet acknowledged messages") {
            Double($0.unackedCount)
        },
        MetricColumn("channel_messages_unconfirmed", .gauge, "Published but not yet confirmed messages") {
            Double($0.unconfirmedCount)
        },
        MetricColumn(
            "channel_messages_uncommitted", .gauge, "Messages received in a transaction but not yet committed"
        ) { Double($0.uncommittedCount) },
        MetricColumn(
            "channel_acks_uncommitted", .gauge, "Message acknowledgements in a transaction not yet committed"
        ) { Double($0.uncommittedAckCount) },
        MetricColumn("consumer_prefetch", .gauge, "Limit of unacknowledged messages for each consumer") {
            Double($0.prefetchCount)
        },
        MetricColumn(
            "channel_prefetch", .gauge, "Total limit of unacknowledged messages for all consumers on a channel"
        ) { Double($0.globalPrefetchCount) },
    ]

    // The sums of these are the node's, which do not shrink when a channel closes: see NodeMetrics.

    private static let channelPublishColumns: [MetricColumn<ChannelSnapshot>] = messageColumns([
        (.channelPublished, \.publish), (.channelConfirmed, \.confirm), (.channelReturned, \.returnUnroutable),
        (.channelDropped, \.dropUnroutable),
    ])

    private static let channelDeliveryColumns: [MetricColumn<ChannelSnapshot>] = messageColumns([
        (.channelGetAck, \.get), (.channelGet, \.getNoAck), (.channelDeliveredAck, \.deliver),
        (.channelDelivered, \.deliverNoAck), (.channelRedelivered, \.redeliver), (.channelAcked, \.ack),
        (.channelGetEmpty, \.getEmpty),
    ])

    private static func messageColumns(
        _ counters: [(MetricFamily, any KeyPath<MessageCounters, UInt64> & Sendable)]
    ) -> [MetricColumn<ChannelSnapshot>] {
        counters.map { family, counter in
            MetricColumn(family, isSummed: false) { Double($0.counters[keyPath: counter]) }
        }
    }
}

extension MetricFamily {
    static let channelPublished = MetricFamily(
        "channel_messages_published_total", .counter,
        "Total number of messages published into an exchange on a channel")
    static let channelConfirmed = MetricFamily(
        "channel_messages_confirmed_total", .counter,
        "Total number of messages published into an exchange and confirmed on the channel")
    static let channelReturned = MetricFamily(
        "channel_messages_unroutable_returned_total", .counter,
        "Total number of messages published as mandatory into an exchange and returned to the publisher as unroutable")
    static let channelDropped = MetricFamily(
        "channel_messages_unroutable_dropped_total", .counter,
        "Total number of messages published as non-mandatory into an exchange and dropped as unroutable")
    static let channelGetAck = MetricFamily(
        "channel_get_ack_total", .counter,
        "Total number of messages fetched with basic.get in manual acknowledgement mode")
    static let channelGet = MetricFamily(
        "channel_get_total", .counter,
        "Total number of messages fetched with basic.get in automatic acknowledgement mode")
    static let channelDeliveredAck = MetricFamily(
        "channel_messages_delivered_ack_total", .counter,
        "Total number of messages delivered to consumers in manual acknowledgement mode")
    static let channelDelivered = MetricFamily(
        "channel_messages_delivered_total", .counter,
        "Total number of messages delivered to consumers in automatic acknowledgement mode")
    static let channelRedelivered = MetricFamily(
        "channel_messages_redelivered_total", .counter, "Total number of messages redelivered to consumers")
    static let channelAcked = MetricFamily(
        "channel_messages_acked_total", .counter, "Total number of messages acknowledged by consumers")
    static let channelGetEmpty = MetricFamily(
        "channel_get_empty_total", .counter,
        "Total number of times basic.get operations fetched no message")
}

extension MetricLabels {
    /// By name: RabbitMQ has the number of an Erlang process here, which says nothing to anybody.
    init(_ connection: ConnectionSnapshot) {
        self.init()
        append("connection", connection.name.utf8)
    }

    init(_ channel: ChannelSnapshot) {
        self.init()
        append("channel", channel.name.utf8)
    }
}
