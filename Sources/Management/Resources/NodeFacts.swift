import Broker
import JSON
import Node

/// What a node has: exchange types, ways to log in, what RabbitMQ would have a plugin for.
enum NodeFacts {
    static let exchangeTypes: [JSONObject] = [
        type("direct", "AMQP direct exchange, as per the AMQP specification"),
        type("fanout", "AMQP fanout exchange, as per the AMQP specification"),
        type("headers", "AMQP headers exchange, as per the AMQP specification"),
        type("topic", "AMQP topic exchange, as per the AMQP specification"),
        type("x-consistent-hash", "Consistent hashing exchange"),
        type("x-delayed-message", "Delayed message exchange"),
        type("x-local-random", "Picks one of its queues at random"),
        type("x-message-deduplication", "Message deduplication exchange"),
        type("x-modulus-hash", "Modulus hashing exchange"),
        type("x-random", "Picks one of its bindings at random"),
        type("x-recent-history", "Recent history exchange"),
    ]

    static let authenticationMechanisms: [JSONObject] = [
        type("AMQPLAIN", "QPid AMQPLAIN mechanism"), type("PLAIN", "SASL PLAIN authentication mechanism"),
    ]

    /// RabbitMQ's plugins whose work this broker does without.
    static let enabledPlugins = [
        "rabbitmq_consistent_hash_exchange", "rabbitmq_delayed_message_exchange", "rabbitmq_event_exchange",
        "rabbitmq_management", "rabbitmq_message_deduplication", "rabbitmq_prometheus", "rabbitmq_random_exchange",
        "rabbitmq_recent_history_exchange",
    ]

    private static func type(_ name: String, _ description: String) -> JSONObject {
        ["name": .string(name), "description": .string(description), "enabled": true]
    }

    /// Where HTTP is served.
    static func contexts(_ request: ManagementRequest) -> [JSONObject] {
        NodeListener.all(request).filter { $0.protocolName == "http" }.map { listener in
            [
                "node": .string(request.context.configuration.nodeName), "description": "HTTP API",
                "path": .string(request.context.configuration.httpPathPrefix), "ip": .string(listener.host),
                "port": .string("\(listener.port)"), "ssl_opts": [],
            ]
        }
    }
}
