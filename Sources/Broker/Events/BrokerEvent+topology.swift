import AMQPWire
import Routing

// What happens to virtual hosts and to what is in them.
extension BrokerEvent {
    static func queueCreated(_ queue: QueueRecord, _ virtualHost: ShortString) -> BrokerEvent {
        var headers: FieldTable = [
            "name": text(queue.name), "vhost": text(virtualHost), "durable": .bool(queue.isDurable),
            "auto_delete": .bool(queue.isAutoDelete), "arguments": terms(queue.arguments),
            "exclusive": .bool(queue.exclusiveOwner != nil),
            "owner_pid": .string(queue.exclusiveOwner?.processText ?? ""),
        ]
        if queue.type == .quorum { headers["type"] = .string("rabbit_quorum_queue") }
        return BrokerEvent("queue.created", headers)
    }

    static func queueDeleted(_ name: ShortString, _ virtualHost: ShortString) -> BrokerEvent {
        BrokerEvent("queue.deleted", ["name": text(name), "vhost": text(virtualHost)])
    }

    static func exchangeCreated(_ exchange: ExchangeRecord, _ virtualHost: ShortString) -> BrokerEvent {
        BrokerEvent(
            "exchange.created",
            [
                "name": text(exchange.name), "vhost": text(virtualHost), "type": text(exchange.type),
                "durable": .bool(exchange.isDurable), "auto_delete": .bool(exchange.isAutoDelete),
                "internal": .bool(exchange.isInternal), "arguments": terms(exchange.arguments),
                "policy": text(exchange.policies.policy ?? ""),
            ])
    }

    static func exchangeDeleted(_ name: ShortString, _ virtualHost: ShortString) -> BrokerEvent {
        BrokerEvent("exchange.deleted", ["name": text(name), "vhost": text(virtualHost)])
    }

    static func bindingCreated(_ binding: BindingSnapshot) -> BrokerEvent {
        BrokerEvent("binding.created", headers(of: binding))
    }

    static func bindingDeleted(_ binding: BindingSnapshot) -> BrokerEvent {
        BrokerEvent("binding.deleted", headers(of: binding))
    }

    private static func headers(of binding: BindingSnapshot) -> FieldTable {
        [
            "source_name": text(binding.source), "source_kind": .string("exchange"),
            "destination_name": text(binding.destination),
            "destination_kind": .string(binding.isToQueue ? "queue" : "exchange"),
            "routing_key": text(binding.routingKey), "arguments": terms(binding.arguments),
            "vhost": text(binding.virtualHost),
        ]
    }

    static func virtualHostCreated(_ name: ShortString, _ metadata: VirtualHostMetadata) -> BrokerEvent {
        BrokerEvent("vhost.created", headers(of: name, metadata))
    }

    static func virtualHostUpdated(_ name: ShortString, _ metadata: VirtualHostMetadata) -> BrokerEvent {
        BrokerEvent("vhost.updated", headers(of: name, metadata))
    }

    private static func headers(of name: ShortString, _ metadata: VirtualHostMetadata) -> FieldTable {
        [
            "name": text(name), "description": .string(metadata.description),
            "tags": .array(metadata.tags.map { .string($0) }), "tracing": .bool(metadata.isTracing),
            "default_queue_type": .string(metadata.defaultQueueType?.rawValue ?? "undefined"),
        ]
    }

    static func virtualHostDeleted(_ name: ShortString) -> BrokerEvent {
        BrokerEvent("vhost.deleted", ["name": text(name)])
    }

    /// RabbitMQ's names of both limits; without any it is `vhost.limits.cleared`.
    static func virtualHostLimits(_ name: ShortString, _ metadata: VirtualHostMetadata) -> BrokerEvent {
        var headers: FieldTable = ["name": .string("limits"), "vhost": text(name)]
        if let limit = metadata.maxConnections { headers["max-connections"] = .int64(Int64(limit)) }
        if let limit = metadata.maxQueues { headers["max-queues"] = .int64(Int64(limit)) }
        let isLimited = metadata.maxConnections != nil || metadata.maxQueues != nil
        return BrokerEvent(isLimited ? "vhost.limits.set" : "vhost.limits.cleared", headers)
    }
}

// Policies and permissions.
extension BrokerEvent {
    /// Also of an operator policy.
    static func policySet(_ policy: Policy, _ virtualHost: ShortString) -> BrokerEvent {
        var headers = widened(policy.table)
        headers["name"] = text(policy.name)
        headers["vhost"] = text(virtualHost)
        return BrokerEvent("policy.set", headers)
    }

    static func policyCleared(_ name: ShortString, isOperator: Bool, _ virtualHost: ShortString) -> BrokerEvent {
        BrokerEvent(
            isOperator ? "operator.policy.cleared" : "policy.cleared",
            ["name": text(name), "vhost": text(virtualHost)])
    }

    static func parameterSet(
        _ component: ShortString, _ name: ShortString, _ value: FieldValue, _ virtualHost: ShortString?
    ) -> BrokerEvent {
        var headers: FieldTable = ["component": text(component), "name": text(name), "value": widened(value)]
        if let virtualHost { headers["vhost"] = text(virtualHost) }
        return BrokerEvent("parameter.set", headers)
    }

    static func parameterCleared(
        _ component: ShortString, _ name: ShortString, _ virtualHost: ShortString?
    ) -> BrokerEvent {
        var headers: FieldTable = ["component": text(component), "name": text(name)]
        if let virtualHost { headers["vhost"] = text(virtualHost) }
        return BrokerEvent("parameter.cleared", headers)
    }

    static func permissionCreated(
        _ permissions: Permissions, user: ShortString, _ virtualHost: ShortString
    ) -> BrokerEvent {
        BrokerEvent(
            "permission.created",
            [
                "user": text(user), "vhost": text(virtualHost), "configure": .string(permissions.configure),
                "write": .string(permissions.write), "read": .string(permissions.read),
            ])
    }

    static func permissionDeleted(user: ShortString, _ virtualHost: ShortString) -> BrokerEvent {
        BrokerEvent("permission.deleted", ["user": text(user), "vhost": text(virtualHost)])
    }
}

extension ConnectionAddress {
    /// What stands for RabbitMQ's process identifier: it tells this connection from every other one.
    package var processText: String { "<\(shard).\(slot).\(generation)>" }
}

extension ChannelAddress {
    var processText: String {
        "<\(connection.shard).\(connection.slot).\(connection.generation).\(number).\(serial)>"
    }
}
