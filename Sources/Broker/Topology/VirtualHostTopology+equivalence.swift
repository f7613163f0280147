import AMQPWire

// Whether what is declared again is what is there. Order and texts are RabbitMQ's: `rabbit_amqqueue`,
// `rabbit_exchange` and `rabbit_misc:assert_args_equivalence`.
extension VirtualHostTopology {
    /// The owner first, then durable, auto_delete and the arguments that queues of this type take.
    func checkEquivalence(
        _ existing: QueueRecord, _ declare: QueueDeclare, by connection: ConnectionAddress
    ) throws(ProtocolError) {
        let resource = resource(.queue, existing.name)
        if existing.exclusiveOwner != (declare.exclusive ? connection : nil) { throw .locked(resource) }
        // RabbitMQ: an exclusive queue is never durable, whatever the client says.
        try check("durable", declare.durable && !declare.exclusive, existing.isDurable, resource)
        try check("auto_delete", declare.autoDelete, existing.isAutoDelete, resource)
        try checkArguments(existing.type.arguments, declare.arguments, existing.arguments, resource)
    }

    func checkEquivalence(_ existing: ExchangeRecord, _ declare: ExchangeDeclare) throws(ProtocolError) {
        let resource = resource(.exchange, existing.name)
        try check("type", declare.type, existing.type, resource)
        try check("durable", declare.durable, existing.isDurable, resource)
        try check("auto_delete", declare.autoDelete, existing.isAutoDelete, resource)
        try check("internal", declare.internal, existing.isInternal, resource)
        try checkArguments(["alternate-exchange"], declare.arguments, existing.arguments, resource)
    }

    private func check<Value: Equatable>(
        _ key: String, _ received: Value, _ current: Value, _ resource: ResourceName
    ) throws(ProtocolError) {
        if received != current {
            throw .inequivalent(key, resource, received: "'\(received)'", current: "'\(current)'")
        }
    }

    /// Only these are compared. The widths of numbers do not matter; a missing queue type is classic.
    private func checkArguments(
        _ keys: [ShortString], _ received: FieldTable, _ current: FieldTable, _ resource: ResourceName
    ) throws(ProtocolError) {
        for key in keys {
            let (new, old) = (received[key], current[key])
            guard let new, let old else {
                if new == nil, old == nil { continue }
                if key == "x-queue-type", (new ?? old)?.text == QueueType.classic.rawValue { continue }
                func describe(_ value: FieldValue?) -> String {
                    value.map { "the value '\($0.erlangText)' of type '\($0.typeName)'" } ?? "none"
                }
                throw .inequivalent(key.description, resource, received: describe(new), current: describe(old))
            }
            if !new.isEquivalent(to: old) {
                throw .inequivalent(
                    key.description, resource, received: "'\(new.erlangText)'", current: "'\(old.erlangText)'")
            }
        }
    }
}

extension FieldValue {
    /// Equal values of the same class: all integers are one class, and both kinds of floating-point numbers.
    fileprivate func isEquivalent(to other: FieldValue) -> Bool {
        if self == other { return true }
        if let integer, let otherInteger = other.integer { return integer == otherInteger }
        switch (self, other) {
        case (.float(let value), .double(let other)): return Double(value) == other
        case (.double(let value), .float(let other)): return value == Double(other)
        default: return false
        }
    }

    /// The value as RabbitMQ's texts print it.
    var erlangText: String {
        switch self {
        case .bool(let value): "\(value)"
        case .float(let value): "\(value)"
        case .double(let value): "\(value)"
        case .decimal(let scale, let value): "{\(scale),\(value)}"
        case .longString(let bytes), .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .timestamp(let value): "\(value)"
        case .array(let values): "[" + values.map { "{\($0.typeName),\($0.erlangText)}" }.joined(separator: ",") + "]"
        case .table(let table):
            "["
                + table.entries.map { "{<<\"\($0.name)\">>,\($0.value.typeName),\($0.value.erlangText)}" }
                .joined(separator: ",") + "]"
        case .void: "undefined"
        default: "\(integer ?? 0)"
        }
    }
}
