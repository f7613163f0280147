import AMQPWire

/// What an administrator says of a virtual host: kept, listed, and acted on where the fields say so.
package struct VirtualHostMetadata: Equatable, Sendable {
    package var description = ""
    package var tags: [String] = []
    /// The type of durable queues that are declared without one; nil: the node's default.
    package var defaultQueueType: QueueType?
    package var isTracing = false
    /// Whether it may not be deleted until this is taken back.
    package var isProtected = false
    /// Connections and queues that it may have; nil: as many as come.
    package var maxConnections: Int?
    package var maxQueues: Int?

    package init() {}
}

// As a table: what the journal keeps. What is as it was at the beginning is left out.
extension VirtualHostMetadata {
    package var table: FieldTable {
        var table = FieldTable()
        if !description.isEmpty { table["description"] = .string(description) }
        if !tags.isEmpty { table["tags"] = .array(tags.map { .string($0) }) }
        if let defaultQueueType { table["default-queue-type"] = .string(defaultQueueType.rawValue) }
        if isTracing { table["tracing"] = .bool(true) }
        if isProtected { table["protected"] = .bool(true) }
        if let maxConnections { table["max-connections"] = .int64(Int64(maxConnections)) }
        if let maxQueues { table["max-queues"] = .int64(Int64(maxQueues)) }
        return table
    }

    /// What the table does not say, or says in a form that is not this version's, stays as at the beginning.
    init(_ table: FieldTable) {
        description = table["description"]?.text ?? ""
        if case .array(let values)? = table["tags"] { tags = values.compactMap(\.text) }
        defaultQueueType = table["default-queue-type"]?.text.flatMap(QueueType.init)
        isTracing = table["tracing"] == .bool(true)
        isProtected = table["protected"] == .bool(true)
        maxConnections = table["max-connections"]?.integer.map { Int($0) }
        maxQueues = table["max-queues"]?.integer.map { Int($0) }
    }
}

extension FieldTable {
    /// Of a virtual host's table: what else there is to know of it.
    var withoutLimits: FieldTable {
        var table = self
        table["max-connections"] = nil
        table["max-queues"] = nil
        return table
    }
}
