import AMQPWire
import Broker

extension MetricGroup {
    /// What this group says of each queue.
    var queueColumns: [MetricColumn<QueueSnapshot>] {
        switch self {
        case .queueDepth, .queueConsumers: figureColumns.map { $0.lifted { $0.figures } }
        case .queues: figureColumns.map { $0.lifted { $0.figures } } + [Self.headTimestampColumn] + Self.diskColumns
        case .queueDeliveries: Self.queueDeliveryColumns
        case .queuePublishes:
            [
                MetricColumn(.queuePublishedThroughExchange, isSummed: false) { Double($0.counters.publish) }
            ]
        case .queuePublishesByChannel:
            [
                MetricColumn(.queuePublished, isSummed: false) { Double($0.counters.publish) }
            ]
        default: []
        }
    }

    /// Those of them that are figures: of one queue or of several together.
    var figureColumns: [MetricColumn<QueueFigures>] {
        switch self {
        case .queueDepth: Self.depthColumns
        case .queueConsumers: [Self.consumerColumn]
        case .queues: [Self.consumerColumn] + Self.consumerShareColumns + Self.memoryColumns + Self.byteColumns
        default: []
        }
    }

    private static let depthColumns: [MetricColumn<QueueFigures>] = [
        MetricColumn("queue_messages_ready", .gauge, "Messages ready to be delivered to consumers") {
            Double($0.readyCount)
        },
        MetricColumn("queue_messages_unacked", .gauge, "Messages delivered to consumers but not yet acknowledged") {
            Double($0.unackedCount)
        },
        MetricColumn(
            "queue_messages", .gauge, "Sum of ready and unacknowledged messages - total queue depth"
        ) { Double($0.messageCount) },
    ]

    private static let consumerColumn = MetricColumn<QueueFigures>(
        "queue_consumers", .gauge, "Consumers on a queue"
    ) { Double($0.consumerCount) }

    private static let consumerShareColumns: [MetricColumn<QueueFigures>] = [
        MetricColumn("queue_consumer_capacity", .gauge, "Consumer capacity", isSummed: false) { $0.consumerCapacity },
        MetricColumn("queue_consumer_utilisation", .gauge, "Same as consumer capacity") { $0.consumerCapacity },
    ]

    private static let memoryColumns: [MetricColumn<QueueFigures>] = [
        MetricColumn(
            "queue_process_memory_bytes", .gauge, "Memory in bytes used by the queue and its messages"
        ) { Double($0.memoryByteCount) },
        MetricColumn("queue_messages_ram", .gauge, "Ready and unacknowledged messages stored in memory") {
            Double($0.residentCount)
        },
        MetricColumn(
            "queue_messages_ram_bytes", .gauge, "Size of ready and unacknowledged messages stored in memory"
        ) { Double($0.residentByteCount) },
        MetricColumn("queue_messages_ready_ram", .gauge, "Ready messages stored in memory") {
            Double($0.residentReadyCount)
        },
        MetricColumn("queue_messages_unacked_ram", .gauge, "Unacknowledged messages stored in memory") {
            Double($0.unackedCount)
        },
        MetricColumn("queue_messages_paged_out", .gauge, "Messages paged out to disk") {
            Double($0.pagedOutCount)
        },
        MetricColumn("queue_messages_paged_out_bytes", .gauge, "Size in bytes of messages paged out to disk") {
            Double($0.pagedOutByteCount)
        },
        MetricColumn(
            "queue_messages_delayed", .gauge, "Messages that came back and wait until they are tried again"
        ) { Double($0.delayedCount) },
    ]

    private static let byteColumns: [MetricColumn<QueueFigures>] = [
        MetricColumn("queue_messages_persistent", .gauge, "Persistent messages") { Double($0.persistentCount) },
        MetricColumn("queue_messages_persistent_bytes", .gauge, "Size in bytes of persistent messages") {
            Double($0.persistentByteCount)
        },
        MetricColumn("queue_messages_bytes", .gauge, "Size in bytes of ready and unacknowledged messages") {
            Double($0.messageByteCount)
        },
        MetricColumn("queue_messages_ready_bytes", .gauge, "Size in bytes of ready messages") {
            Double($0.readyByteCount)
        },
        MetricColumn("queue_messages_unacked_bytes", .gauge, "Size in bytes of all unacknowledged messages") {
            Double($0.unackedByteCount)
        },
    ]

    private static let headTimestampColumn = MetricColumn<QueueSnapshot>(
        "queue_head_message_timestamp", .gauge, "Timestamp of the first message in the queue, if any",
        isSummed: false
    ) { $0.headTimestampSeconds.map(Double.init) ?? .nan }

    private static let diskColumns: [MetricColumn<QueueSnapshot>] = [
        MetricColumn(.queueDiskReads, isSummed: false) { Double($0.counters.diskReads) },
        MetricColumn(.queueDiskWrites, isSummed: false) { Double($0.counters.diskWrites) },
    ]

    private static let queueDeliveryColumns: [MetricColumn<QueueSnapshot>] = [
        MetricColumn(.queueGetAck, isSummed: false) { Double($0.counters.get) },
        MetricColumn(.queueGet, isSummed: false) { Double($0.counters.getNoAck) },
        MetricColumn(.queueDeliveredAck, isSummed: false) { Double($0.counters.deliver) },
        MetricColumn(.queueDelivered, isSummed: false) { Double($0.counters.deliverNoAck) },
        MetricColumn(.queueRedelivered, isSummed: false) { Double($0.counters.redeliver) },
        MetricColumn(.queueAcked, isSummed: false) { Double($0.counters.ack) },
        MetricColumn(.queueGetEmpty, isSummed: false) { Double($0.counters.getEmpty) },
    ]
}

extension MetricLabels {
    init(_ queue: QueueSnapshot) {
        self.init()
        append("vhost", queue.virtualHost.bytes)
        append("queue", queue.name.bytes)
    }
}

// Counters, whose sums are the node's, see NodeMetrics.
extension MetricFamily {
    static let queueGetAck = MetricFamily(
        "queue_get_ack_total", .counter,
        "Total number of messages fetched from a queue with basic.get in manual acknowledgement mode")
    static let queueGet = MetricFamily(
        "queue_get_total", .counter,
        "Total number of messages fetched from a queue with basic.get in automatic acknowledgement mode")
    static let queueDeliveredAck = MetricFamily(
        "queue_messages_delivered_ack_total", .counter,
        "Total number of messages delivered from a queue to consumers in manual acknowledgement mode")
    static let queueDelivered = MetricFamily(
        "queue_messages_delivered_total", .counter,
        "Total number of messages delivered from a queue to consumers in automatic acknowledgement mode")
    static let queueRedelivered = MetricFamily(
        "queue_messages_redelivered_total", .counter,
        "Total number of messages redelivered from a queue to consumers")
    static let queueAcked = MetricFamily(
        "queue_messages_acked_total", .counter,
        "Total number of messages acknowledged by consumers on a queue")
    static let queueGetEmpty = MetricFamily(
        "queue_get_empty_total", .counter,
        "Total number of times basic.get operations fetched no message on a queue")
    static let queueDiskReads = MetricFamily(
        "queue_disk_reads_total", .counter, "Total number of messages that queues read from disk")
    static let queueDiskWrites = MetricFamily(
        "queue_disk_writes_total", .counter, "Total number of messages that queues wrote to disk")
    static let queuePublished = MetricFamily(
        "queue_messages_published_total", .counter, "Total number of messages published to queues")
    static let queuePublishedThroughExchange = MetricFamily(
        "queue_exchange_messages_published_total", .counter,
        "Total number of messages published into a queue through an exchange")
    static let queueInfo = MetricFamily(
        "queue_info", .gauge, "A metric with a constant '1' value and labels that provide some queue details")
}
