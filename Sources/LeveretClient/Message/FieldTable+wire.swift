import AMQPWire

extension FieldTable {
    init(_ wire: AMQPWire.FieldTable) {
        entries = wire.entries.map { Entry(name: $0.name.description, value: FieldValue($0.value)) }
    }

    /// As it goes to the broker.
    ///
    /// - Throws: `invalidArgument` for a name over 255 bytes and for nesting that no broker takes.
    func wire(depth: Int = 1) throws(LeveretError) -> AMQPWire.FieldTable {
        guard depth <= AMQPWire.FieldTable.depthLimit else {
            throw .invalidArgument("a table is nested deeper than \(AMQPWire.FieldTable.depthLimit) levels")
        }
        var table = AMQPWire.FieldTable()
        table.entries.reserveCapacity(entries.count)
        for entry in entries {
            let name = try ShortString(checking: entry.name, as: "table entry's name")
            table.entries.append(.init(name: name, value: try entry.value.wire(depth: depth)))
        }
        return table
    }
}

extension FieldValue {
    init(_ wire: AMQPWire.FieldValue) {
        switch wire {
        case .bool(let value): self = .bool(value)
        case .int8(let value): self = .int8(value)
        case .uint8(let value): self = .uint8(value)
        case .int16(let value): self = .int16(value)
        case .uint16(let value): self = .uint16(value)
        case .int32(let value): self = .int32(value)
        case .uint32(let value): self = .uint32(value)
        case .int64(let value): self = .int64(value)
        case .float(let value): self = .float(value)
        case .double(let value): self = .double(value)
        case .decimal(let scale, let value): self = .decimal(scale: scale, value: value)
        case .longString(let bytes):
            self = String(validating: bytes, as: UTF8.self).map { .string($0) } ?? .bytes(bytes)
        case .array(let values): self = .array(values.map { FieldValue($0) })
        case .timestamp(let seconds): self = .timestamp(seconds)
        case .table(let table): self = .table(FieldTable(table))
        case .void: self = .void
        case .bytes(let bytes): self = .bytes(bytes)
        }
    }

    fileprivate func wire(depth: Int) throws(LeveretError) -> AMQPWire.FieldValue {
        switch self {
        case .bool(let value): return .bool(value)
        case .int8(let value): return .int8(value)
        case .uint8(let value): return .uint8(value)
        case .int16(let value): return .int16(value)
        case .uint16(let value): return .uint16(value)
        case .int32(let value): return .int32(value)
        case .uint32(let value): return .uint32(value)
        case .int64(let value): return .int64(value)
        case .float(let value): return .float(value)
        case .double(let value): return .double(value)
        case .decimal(let scale, let value): return .decimal(scale: scale, value: value)
        case .string(let text): return .string(text)
        case .timestamp(let seconds): return .timestamp(seconds)
        case .table(let table): return .table(try table.wire(depth: depth + 1))
        case .void: return .void
        case .bytes(let bytes): return .bytes(bytes)
        case .array(let values):
            guard depth < AMQPWire.FieldTable.depthLimit else {
                throw .invalidArgument("an array is nested deeper than \(AMQPWire.FieldTable.depthLimit) levels")
            }
            var converted: [AMQPWire.FieldValue] = []
            for value in values { converted.append(try value.wire(depth: depth + 1)) }
            return .array(converted)
        }
    }
}

extension ShortString {
    /// - Parameter name: what the text is, for the error: `queue name`.
    init(checking text: String, as name: String) throws(LeveretError) {
        guard let value = ShortString(text) else {
            throw .invalidArgument("the \(name) has \(text.utf8.count) bytes, and AMQP allows 255")
        }
        self = value
    }
}
