import AMQPWire
import Broker
import JSON
import Node

/// Writes definitions as RabbitMQ does, so that it, LavinMQ and this broker import them.
///
/// Everything is as it was at one moment in the topology; queues and bindings, of which there may be many, are written
/// piece by piece.
package struct DefinitionsExport: Sendable {
    let controlPlane: ControlPlane
    /// nil for the whole node.
    let virtualHost: ShortString?
    let nodeName: String

    /// The version whose form the definitions have: what other brokers compare with their own.
    package static let rabbitmqVersion = "4.2.0"

    package init(controlPlane: ControlPlane, virtualHost: ShortString? = nil, nodeName: String) {
        self.controlPlane = controlPlane
        self.virtualHost = virtualHost
        self.nodeName = nodeName
    }

    /// Everything but queues and bindings.
    package func beginning(of image: TopologyImage) -> JSONObject {
        var object: JSONObject = [
            "rabbit_version": .string(Self.rabbitmqVersion), "rabbitmq_version": .string(Self.rabbitmqVersion),
            "product_name": "Leveret", "product_version": .string(Version.current),
        ]
        if let virtualHost, let host = image.virtualHosts.first {
            object.append("rabbitmq_definition_format", "single_virtual_host")
            object.append("original_vhost_name", .text(virtualHost))
            object.append("explanation", .string("Definitions of virtual host '\(virtualHost)'"))
            object.append("metadata", .object(host.metadata.json))
            object.append("description", .string(host.metadata.description))
            object.append("limits", .object(host.metadata.limits.json))
        } else {
            let cluster = controlPlane.clusterName ?? nodeName
            object.append("rabbitmq_definition_format", "cluster")
            object.append("original_cluster_name", .string(cluster))
            object.append("explanation", .string("Definitions of cluster '\(cluster)'"))
            object.append("users", .array(controlPlane.users.map { .object($0.json) }))
            object.append("vhosts", .array(image.virtualHosts.map { .object($0.json) }))
            object.append("permissions", .array(controlPlane.permissions.map { .object($0.json) }))
            object.append("topic_permissions", .array(controlPlane.topicPermissions.map { .object($0.json) }))
        }
        addParameters(to: &object, image)
        object.append(
            "exchanges", .array(image.virtualHosts.flatMap { $0.exchanges() }.map { .object(item($0.json)) }))
        return object
    }

    private func addParameters(to object: inout JSONObject, _ image: TopologyImage) {
        let parameters = ParameterDefinition.all(of: controlPlane).filter {
            virtualHost == nil || $0.virtualHost == virtualHost
        }
        object.append("parameters", .array(parameters.map { .object(item($0.json)) }))
        if virtualHost == nil {
            // As RabbitMQ, what is kept for the broker itself stays here.
            let globals = controlPlane.globalParameters.filter { !$0.name.hasPrefix("internal") }.map {
                JSONValue.object(GlobalParameterDefinition(name: $0.name, value: $0.value).json)
            }
            object.append("global_parameters", .array(globals))
        }
        let policies = image.virtualHosts.flatMap { host in
            ((try? controlPlane.policies(virtualHost: host.name)) ?? []).map { policy in
                DefinedPolicy(virtualHost: host.name, isOperator: false, policy: policy)
            }
        }
        object.append("policies", .array(policies.map { .object(item($0.json)) }))
    }

    /// In the definitions of one virtual host nothing says whose it is.
    private func item(_ object: JSONObject) -> JSONObject {
        guard virtualHost != nil else { return object }
        var object = object
        object["vhost"] = nil
        return object
    }

    /// The whole text, piece by piece.
    package func write(_ write: (String) async throws -> Void) async throws {
        let image = controlPlane.image(ofVirtualHost: virtualHost)
        let beginning = String(decoding: JSONValue.object(beginning(of: image)).encoded, as: UTF8.self)
        try await write(String(beginning.dropLast()))
        try await write(#","queues":["#)
        var isFirst = true
        func writeItem(_ object: JSONObject) async throws {
            let text = String(decoding: JSONValue.object(item(object)).encoded, as: UTF8.self)
            try await write(isFirst ? text : "," + text)
            isFirst = false
        }
        for host in image.virtualHosts {
            for name in host.queueNames {
                if let queue = host.queue(name) { try await writeItem(queue.json) }
            }
        }
        try await write(#"],"bindings":["#)
        isFirst = true
        for host in image.virtualHosts {
            for source in host.bindingSources {
                for binding in host.bindings(from: source) { try await writeItem(binding.json) }
            }
        }
        try await write("]}")
    }
}

extension VirtualHostImage {
    fileprivate var json: JSONObject {
        var object: JSONObject = [
            "name": .text(name), "description": .string(metadata.description),
            "tags": .array(metadata.tags.map { .string($0) }), "metadata": .object(metadata.json),
            "limits": .object(metadata.limits.json),
        ]
        if let type = metadata.defaultQueueType { object.append("default_queue_type", .string(type.rawValue)) }
        if metadata.isTracing { object.append("tracing", true) }
        return object
    }
}

extension QueueDefinition {
    package var json: JSONObject {
        [
            "name": .text(name), "vhost": .text(virtualHost), "durable": .bool(isDurable),
            "auto_delete": .bool(isAutoDelete), "arguments": .object(arguments.json),
            "type": .string(arguments["x-queue-type"]?.text ?? QueueType.classic.rawValue),
        ]
    }
}

extension ExchangeDefinition {
    package var json: JSONObject {
        [
            "name": .text(name), "vhost": .text(virtualHost), "type": .text(type), "durable": .bool(isDurable),
            "auto_delete": .bool(isAutoDelete), "internal": .bool(isInternal), "arguments": .object(arguments.json),
        ]
    }
}

extension BindingDefinition {
    package var json: JSONObject {
        [
            "source": .text(source), "vhost": .text(virtualHost), "destination": .text(destination),
            "destination_type": .string(isToQueue ? "queue" : "exchange"), "routing_key": .text(routingKey),
            "arguments": .object(arguments.json),
        ]
    }
}
