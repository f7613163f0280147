/// What `/metrics/detailed?family=` names: RabbitMQ's groups of metrics, those that have a meaning here. A group that
/// RabbitMQ knows and Leveret has nothing for (Erlang's processes, Raft) gives nothing, as one that nobody knows.
package enum MetricGroup: String, Sendable, CaseIterable {
    case connectionChurn = "connection_churn_metrics"
    case nodeUse = "node_coarse_metrics"
    case nodeLimits = "node_metrics"
    case storage = "node_persister_metrics"
    case logins = "auth_attempt_metrics"

    case queueDepth = "queue_coarse_metrics"
    case queueConsumers = "queue_consumer_count"
    case queues = "queue_metrics"
    case queueDeliveries = "queue_delivery_metrics"
    case queuePublishes = "queue_exchange_metrics"
    case queuePublishesByChannel = "channel_queue_exchange_metrics"

    case exchanges = "exchange_metrics"
    case exchangeBindings = "exchange_bindings"
    case exchangeNames = "exchange_names"
    case virtualHosts = "vhost_status"

    case connectionBytes = "connection_coarse_metrics"
    case connections = "connection_metrics"
    case channels = "channel_metrics"
    case channelPublishes = "channel_exchange_metrics"
    case channelDeliveries = "channel_queue_metrics"
}
