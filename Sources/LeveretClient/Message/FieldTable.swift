/// A value in a ``FieldTable``: of a message header, or of an argument of a queue, exchange, binding or consumer.
///
/// Write most of them as literals: `["x-max-length": 1000, "x-queue-mode": "lazy", "strict": true]`.
public enum FieldValue: Hashable, Sendable {
    case bool(Bool)
    case int8(Int8)
    case uint8(UInt8)
    case int16(Int16)
    case uint16(UInt16)
    case int32(Int32)
    case uint32(UInt32)
    case int64(Int64)
    case float(Float)
    case double(Double)
    /// `value` divided by ten to the power of `scale`.
    case decimal(scale: UInt8, value: UInt32)
    case string(String)
    case array([FieldValue])
    /// Seconds since 1970.
    case timestamp(UInt64)
    case table(FieldTable)
    case void
    /// Bytes; also a string of the broker that is no valid UTF-8.
    case bytes([UInt8])

    /// The value of any of the integer cases; nil for everything else.
    public var integer: Int64? {
        switch self {
        case .int8(let value): Int64(value)
        case .uint8(let value): Int64(value)
        case .int16(let value): Int64(value)
        case .uint16(let value): Int64(value)
        case .int32(let value): Int64(value)
        case .uint32(let value): Int64(value)
        case .int64(let value): value
        default: nil
        }
    }

    /// The text of a string; nil for everything else.
    public var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }
}

extension FieldValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int64(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(arrayLiteral elements: FieldValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, FieldValue)...) {
        self = .table(FieldTable(elements.map { FieldTable.Entry(name: $0.0, value: $0.1) }))
    }
}

/// Names and values, in order: message headers and the arguments of declarations.
///
///     try await channel.declareQueue("orders", options: QueueOptions(arguments: ["x-max-length": 1000]))
public struct FieldTable: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        /// At most 255 bytes of UTF-8.
        public var name: String
        public var value: FieldValue
        public init(name: String, value: FieldValue) {
            self.name = name
            self.value = value
        }
    }

    public var entries: [Entry]

    public init(_ entries: [Entry] = []) { self.entries = entries }

    public var isEmpty: Bool { entries.isEmpty }

    /// Reading gives the first value of that name. Writing replaces it, or appends it; nil removes all of the name.
    public subscript(name: String) -> FieldValue? {
        get { entries.first { $0.name == name }?.value }
        set {
            guard let newValue else {
                entries.removeAll { $0.name == name }
                return
            }
            if let index = entries.firstIndex(where: { $0.name == name }) {
                entries[index].value = newValue
            } else {
                entries.append(Entry(name: name, value: newValue))
            }
        }
    }
}

extension FieldTable: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, FieldValue)...) {
        entries = elements.map { Entry(name: $0.0, value: $0.1) }
    }
}
