/// The metrics that the official Grafana dashboards for RabbitMQ ask for, as facts: names, and labels they go by.
enum DashboardNames {
    /// RabbitMQ-Overview, of RabbitMQ 4.x.
    static let overview: [String: [String]] = [
        "rabbitmq_identity_info": ["rabbitmq_cluster", "rabbitmq_node", "rabbitmq_endpoint"],
        "rabbitmq_build_info": ["rabbitmq_version", "erlang_version"],
        "rabbitmq_erlang_uptime_seconds": [],
        "rabbitmq_queue_messages_ready": [], "rabbitmq_queue_messages_unacked": [],
        "rabbitmq_queues": [], "rabbitmq_connections": [], "rabbitmq_channels": [],
        "rabbitmq_global_publishers": ["protocol"], "rabbitmq_global_consumers": ["protocol"],
        "rabbitmq_resident_memory_limit_bytes": [], "rabbitmq_process_resident_memory_bytes": [],
        "rabbitmq_disk_space_available_bytes": [],
        "rabbitmq_global_messages_received_total": ["protocol"],
        "rabbitmq_global_messages_received_confirm_total": ["protocol"],
        "rabbitmq_global_messages_confirmed_total": ["protocol"],
        "rabbitmq_global_messages_routed_total": ["protocol"],
        "rabbitmq_global_messages_unroutable_dropped_total": ["protocol"],
        "rabbitmq_global_messages_unroutable_returned_total": ["protocol"],
        "rabbitmq_global_messages_delivered_total": ["protocol", "queue_type"],
        "rabbitmq_global_messages_delivered_consume_auto_ack_total": ["protocol", "queue_type"],
        "rabbitmq_global_messages_delivered_consume_manual_ack_total": ["protocol", "queue_type"],
        "rabbitmq_global_messages_delivered_get_auto_ack_total": ["protocol", "queue_type"],
        "rabbitmq_global_messages_delivered_get_manual_ack_total": ["protocol", "queue_type"],
        "rabbitmq_global_messages_get_empty_total": ["protocol", "queue_type"],
        "rabbitmq_global_messages_redelivered_total": ["protocol", "queue_type"],
        "rabbitmq_global_messages_acknowledged_total": ["protocol", "queue_type"],
        "rabbitmq_message_size_bytes_bucket": ["protocol", "le"],
        "rabbitmq_message_size_bytes_sum": ["protocol"], "rabbitmq_message_size_bytes_count": ["protocol"],
        "rabbitmq_queues_declared_total": [], "rabbitmq_queues_created_total": [],
        "rabbitmq_queues_deleted_total": [], "rabbitmq_channels_opened_total": [],
        "rabbitmq_channels_closed_total": [], "rabbitmq_connections_opened_total": [],
        "rabbitmq_connections_closed_total": [],
    ]

    /// What RabbitMQ-Overview asked for in versions 3.8 and 3.9, and asks for no more.
    static let olderOverview: [String] = [
        "rabbitmq_channel_messages_published_total", "rabbitmq_channel_messages_confirmed_total",
        "rabbitmq_channel_messages_unroutable_dropped_total", "rabbitmq_channel_messages_unroutable_returned_total",
        "rabbitmq_channel_messages_delivered_total", "rabbitmq_channel_messages_delivered_ack_total",
        "rabbitmq_channel_messages_redelivered_total", "rabbitmq_channel_messages_acked_total",
        "rabbitmq_channel_get_total", "rabbitmq_channel_get_ack_total", "rabbitmq_channel_get_empty_total",
        "rabbitmq_channel_messages_unconfirmed", "rabbitmq_channel_consumers", "rabbitmq_consumers",
        "rabbitmq_queue_messages_published_total", "rabbitmq_process_open_fds", "rabbitmq_process_max_fds",
        "rabbitmq_disk_space_available_limit_bytes",
    ]

    /// What alerts of other people go by, and our own.
    static let alerts: [String] = [
        "rabbitmq_alarms_memory_used_watermark", "rabbitmq_alarms_free_disk_space_watermark",
        "rabbitmq_alarms_file_descriptor_limit", "rabbitmq_auth_attempts_total", "rabbitmq_auth_attempts_failed_total",
        "rabbitmq_auth_attempts_succeeded_total", "rabbitmq_io_write_bytes_total", "rabbitmq_io_sync_ops_total",
        "rabbitmq_io_sync_time_seconds_total", "rabbitmq_queue_messages_bytes", "rabbitmq_queue_messages_paged_out",
        "rabbitmq_queue_process_memory_bytes", "rabbitmq_global_messages_dead_lettered_rejected_total",
        "rabbitmq_global_messages_dead_lettered_expired_total", "rabbitmq_global_messages_dead_lettered_maxlen_total",
        "rabbitmq_global_messages_dead_lettered_delivery_limit_total",
    ]

    /// Groups of `/metrics/detailed`, and a metric of each.
    static let groups: [String: String] = [
        "connection_churn_metrics": "rabbitmq_detailed_connections_opened_total",
        "node_coarse_metrics": "rabbitmq_detailed_process_open_fds",
        "node_metrics": "rabbitmq_detailed_process_max_fds",
        "node_persister_metrics": "rabbitmq_detailed_io_write_bytes_total",
        "auth_attempt_metrics": "rabbitmq_detailed_auth_attempts_total",
        "queue_coarse_metrics": "rabbitmq_detailed_queue_messages_ready",
        "queue_consumer_count": "rabbitmq_detailed_queue_consumers",
        "queue_metrics": "rabbitmq_detailed_queue_messages_persistent_bytes",
        "queue_delivery_metrics": "rabbitmq_detailed_queue_messages_delivered_ack_total",
        "queue_exchange_metrics": "rabbitmq_detailed_queue_exchange_messages_published_total",
        "channel_queue_exchange_metrics": "rabbitmq_detailed_queue_messages_published_total",
        "exchange_metrics": "rabbitmq_detailed_exchange_messages_published_total",
        "exchange_bindings": "rabbitmq_cluster_exchange_bindings",
        "exchange_names": "rabbitmq_cluster_exchange_name",
        "vhost_status": "rabbitmq_cluster_vhost_status",
        "connection_coarse_metrics": "rabbitmq_detailed_connection_incoming_bytes_total",
        "connection_metrics": "rabbitmq_detailed_connection_channels",
        "channel_metrics": "rabbitmq_detailed_channel_messages_unacked",
        "channel_exchange_metrics": "rabbitmq_detailed_channel_messages_published_total",
        "channel_queue_metrics": "rabbitmq_detailed_channel_messages_delivered_ack_total",
    ]
}
