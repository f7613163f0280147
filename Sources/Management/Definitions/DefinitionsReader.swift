import AMQPWire
import Broker
import JSON

/// Reads definitions as RabbitMQ and LavinMQ write them, and finds everything that is wrong with them by themselves.
struct DefinitionsReader {
    private(set) var definitions = Definitions()
    private var problems: [String] = []
    /// Whose definitions these are, whatever the objects say; nil when they are the whole node's.
    let virtualHost: ShortString?

    /// More is not looked for once so much is wrong.
    private static let problemLimit = 100

    /// - Parameter virtualHost: the one to read them for; nil for definitions of a whole node.
    static func read(
        _ object: JSONObject, virtualHost: ShortString? = nil
    ) throws(DefinitionsError) -> Definitions {
        var reader = DefinitionsReader(virtualHost: virtualHost)
        reader.read(object)
        guard reader.problems.isEmpty else { throw DefinitionsError(reader.problems) }
        return reader.definitions
    }

    private init(virtualHost: ShortString?) { self.virtualHost = virtualHost }

    private mutating func read(_ object: JSONObject) {
        if virtualHost == nil {
            each("users", of: object) { reader, fields throws(ManagementError) in try reader.readUser(fields) }
            each("vhosts", of: object) { reader, fields throws(ManagementError) in try reader.readHost(fields) }
            each("permissions", of: object) { reader, fields throws(ManagementError) in
                try reader.readPermissions(fields)
            }
            each("topic_permissions", of: object) { reader, fields throws(ManagementError) in
                try reader.readTopicPermission(fields)
            }
            each("global_parameters", of: object) { reader, fields throws(ManagementError) in
                try reader.readGlobalParameter(fields)
            }
        }
        each("exchanges", of: object) { reader, fields throws(ManagementError) in try reader.readExchange(fields) }
        each("policies", of: object) { reader, fields throws(ManagementError) in
            try reader.readPolicy(fields, isOperator: false)
        }
        each("parameters", of: object) { reader, fields throws(ManagementError) in try reader.readParameter(fields) }
        each("queues", of: object) { reader, fields throws(ManagementError) in try reader.readQueue(fields) }
        each("bindings", of: object) { reader, fields throws(ManagementError) in try reader.readBinding(fields) }
    }

    private mutating func each(
        _ category: String, of object: JSONObject,
        _ body: (inout DefinitionsReader, JSONFields) throws(ManagementError) -> Void
    ) {
        guard let value = object[category], value != .null else { return }
        guard let items = value.array else {
            return problems.append("'\(category)': an array was expected, found \(value.kindName)")
        }
        for (index, item) in items.enumerated() where problems.count < Self.problemLimit {
            guard let members = item.object else {
                problems.append("\(category)[\(index)]: an object was expected, found \(item.kindName)")
                continue
            }
            do throws(ManagementError) {
                try body(&self, JSONFields(members))
            } catch {
                let name = (members["name"] ?? members["user"])?.string.map { " ('\($0.prefix(64))')" } ?? ""
                problems.append("\(category)[\(index)]\(name): \(error.reason)")
            }
        }
    }

    mutating func note(_ text: String) { definitions.notes.append(text) }
}

// MARK: - Topology

extension DefinitionsReader {
    private mutating func readQueue(_ fields: JSONFields) throws(ManagementError) {
        var queue = QueueDefinition(virtualHost: try host(of: fields), name: try fields.name("name"))
        queue.isDurable = try fields.bool("durable") ?? true
        queue.isAutoDelete = try fields.bool("auto_delete") ?? false
        queue.arguments = try fields.table("arguments")
        // Since 4.0 the type stands beside the arguments, and may be missing there.
        if queue.arguments["x-queue-type"] == nil, let type = try fields.string("type") {
            queue.arguments["x-queue-type"] = .string(type)
            // What is declared without a type again, as clients do, must be found equal.
            if type == QueueType.classic.rawValue { queue.arguments["x-queue-type"] = nil }
        }
        let place = "queue '\(queue.name)' in vhost '\(queue.virtualHost)'"
        if let type = queue.arguments["x-queue-type"]?.text, QueueType(rawValue: type) == nil {
            return note("\(place) is left out: there are no queues of type '\(type)' here")
        }
        if queue.name.hasPrefix("amq.") { return note("\(place) is left out: the prefix 'amq.' is reserved") }
        do throws(ProtocolError) { try queue.check() } catch { throw .badRequest(error.explanation) }
        definitions.queues.append(queue)
    }

    private mutating func readExchange(_ fields: JSONFields) throws(ManagementError) {
        let host = try host(of: fields)
        let name = try fields.name("name", mayBeEmpty: true)
        // Every virtual host has these.
        if name.isEmpty || name.hasPrefix("amq.") { return }
        var exchange = ExchangeDefinition(virtualHost: host, name: name, type: try fields.name("type"))
        exchange.isDurable = try fields.bool("durable") ?? true
        exchange.isAutoDelete = try fields.bool("auto_delete") ?? false
        exchange.isInternal = try fields.bool("internal") ?? false
        exchange.arguments = try fields.table("arguments")
        guard exchange.hasKnownType else {
            return note(
                "exchange '\(name)' in vhost '\(host)' is left out: no exchanges of type '\(exchange.type)' here"
            )
        }
        do throws(ProtocolError) { try exchange.check() } catch { throw .badRequest(error.explanation) }
        definitions.exchanges.append(exchange)
    }

    private mutating func readBinding(_ fields: JSONFields) throws(ManagementError) {
        let host = try host(of: fields)
        let source = try fields.name("source", mayBeEmpty: true)
        let destination = try fields.name("destination", mayBeEmpty: true)
        let kind = try fields.required("destination_type", try fields.string("destination_type"))
        guard kind == "queue" || kind == "exchange" else {
            throw .badRequest("field 'destination_type': queue or exchange was expected")
        }
        let binding = BindingDefinition(
            virtualHost: host, source: source, destination: destination, isToQueue: kind == "queue",
            routingKey: try fields.name("routing_key", mayBeEmpty: true), arguments: try fields.table("arguments"))
        // The default exchange has the bindings that it has.
        if source.isEmpty || destination.isEmpty { return }
        definitions.bindings.append(binding)
    }

    /// The virtual host of an object.
    private func host(of fields: JSONFields) throws(ManagementError) -> ShortString {
        if let virtualHost { return virtualHost }
        return try fields.name("vhost")
    }
}

// MARK: - Policies and parameters

extension DefinitionsReader {
    private mutating func readPolicy(_ fields: JSONFields, isOperator: Bool) throws(ManagementError) {
        let host = try host(of: fields)
        try add(try fields.policy(named: try fields.name("name")), isOperator: isOperator, host)
    }

    /// Keys that mean nothing here are left out, as mirroring's are since RabbitMQ 4.
    private mutating func add(
        _ policy: Policy, isOperator: Bool, _ host: ShortString
    ) throws(ManagementError) {
        var policy = policy
        let place = "\(isOperator ? "operator policy" : "policy") '\(policy.name)' in vhost '\(host)'"
        let unknown = policy.unknownKeys(isOperator: isOperator)
        if !unknown.isEmpty {
            var definition = policy.definition
            for key in unknown { definition[key] = nil }
            let keys = unknown.map { "'\($0)'" }.joined(separator: ", ")
            if definition.isEmpty { return note("\(place) is left out: it has only \(keys), which mean nothing here") }
            note("\(place) is without \(keys), which mean nothing here")
            policy = Policy(
                name: policy.name, pattern: policy.pattern, target: policy.target, priority: policy.priority,
                definition: definition)
        }
        do throws(AdministrationError) {
            try policy.check(isOperator: isOperator)
        } catch {
            throw .badRequest(error.reason)
        }
        definitions.policies.append(DefinedPolicy(virtualHost: host, isOperator: isOperator, policy: policy))
    }

    private mutating func readParameter(_ fields: JSONFields) throws(ManagementError) {
        let host = try host(of: fields)
        let component = try fields.name("component")
        let name = try fields.name("name")
        guard let value = fields.object["value"] else { throw .badRequest("field 'value' is missing") }
        switch component {
        case "operator_policy", "policy":
            let policy = try JSONFields(try fields.objectOrEmpty("value")).policy(named: name)
            try add(policy, isOperator: component == "operator_policy", host)
        case "vhost-limits":
            let limits = try JSONFields(try fields.objectOrEmpty("value")).virtualHostLimits()
            setLimits(limits, of: host)
        default:
            definitions.parameters.append(
                ParameterDefinition(
                    virtualHost: host, component: component, name: name,
                    value: try FieldValue(json: value, field: "value")))
            note("\(component) '\(name)' in vhost '\(host)' is kept and not active")
        }
    }

    private mutating func setLimits(_ limits: VirtualHostLimitsDefinition, of host: ShortString) {
        if let index = definitions.virtualHosts.firstIndex(where: { $0.name == host }) {
            let old = definitions.virtualHosts[index].limits
            definitions.virtualHosts[index].limits.maxConnections = limits.maxConnections ?? old.maxConnections
            definitions.virtualHosts[index].limits.maxQueues = limits.maxQueues ?? old.maxQueues
        } else {
            // The virtual host is there, or is found missing when the definitions are compared with the node.
            definitions.limits[host] = limits
        }
    }

    private mutating func readGlobalParameter(_ fields: JSONFields) throws(ManagementError) {
        let name = try fields.name("name")
        guard let value = fields.object["value"] else { throw .badRequest("field 'value' is missing") }
        // What RabbitMQ keeps here for itself is about the other cluster.
        if name.hasPrefix("internal") || name == "imported_definition_hash_value" { return }
        definitions.globalParameters.append(
            GlobalParameterDefinition(name: name, value: try FieldValue(json: value, field: "value")))
    }
}

// MARK: - Users and virtual hosts

extension DefinitionsReader {
    private mutating func readUser(_ fields: JSONFields) throws(ManagementError) {
        definitions.users.append(try fields.user(named: try fields.name("name")))
    }

    private mutating func readHost(_ fields: JSONFields) throws(ManagementError) {
        let name = try fields.name("name")
        var host = try fields.virtualHost(named: name)
        if let limits = try fields.objectOrNil("limits") { host.limits = try JSONFields(limits).virtualHostLimits() }
        if let type = try fields.defaultQueueTypeName() {
            host.defaultQueueType = QueueType(rawValue: type)
            if host.defaultQueueType == nil, type != "undefined" {
                note("vhost '\(name)': default_queue_type '\(type)' is left out: there are no such queues here")
            }
        }
        definitions.virtualHosts.append(host)
    }

    private mutating func readPermissions(_ fields: JSONFields) throws(ManagementError) {
        definitions.permissions.append(
            PermissionDefinition(
                user: try fields.name("user"), virtualHost: try fields.name("vhost"),
                permissions: try fields.permissions()))
    }

    private mutating func readTopicPermission(_ fields: JSONFields) throws(ManagementError) {
        definitions.topicPermissions.append(
            try fields.topicPermission(user: try fields.name("user"), virtualHost: try fields.name("vhost")))
    }
}
