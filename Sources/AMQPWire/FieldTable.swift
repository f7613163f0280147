/// A value of a field table or array, with RabbitMQ's type letters.
///
/// The letters and widths are RabbitMQ's reading of AMQP 0-9-1 (its "errata" page and `rabbit_binary_parser`), not the
/// specification's: `s` is a signed 16-bit integer, `l` and `L` are both signed 64-bit.
package enum FieldValue: Hashable, Sendable {
    case bool(Bool)  // t
    case int8(Int8)  // b
    case uint8(UInt8)  // B
    case int16(Int16)  // s
    case uint16(UInt16)  // u
    case int32(Int32)  // I
    case uint32(UInt32)  // i
    case int64(Int64)  // l, L
    case float(Float)  // f
    case double(Double)  // d
    case decimal(scale: UInt8, value: UInt32)  // D
    case longString([UInt8])  // S
    case array([FieldValue])  // A
    case timestamp(UInt64)  // T, seconds since 1970
    case table(FieldTable)  // F
    case void  // V
    case bytes([UInt8])  // x

    package static func string(_ text: String) -> FieldValue { .longString([UInt8](text.utf8)) }

    /// RabbitMQ's name of the type, as its `inequivalent arg` texts show it.
    package var typeName: String {
        switch self {
        case .bool: "bool"
        case .int8: "byte"
        case .uint8: "unsignedbyte"
        case .int16: "short"
        case .uint16: "unsignedshort"
        case .int32: "signedint"
        case .uint32: "unsignedint"
        case .int64: "long"
        case .float: "float"
        case .double: "double"
        case .decimal: "decimal"
        case .longString: "longstr"
        case .array: "array"
        case .timestamp: "timestamp"
        case .table: "table"
        case .void: "void"
        case .bytes: "binary"
        }
    }

    /// The value of any of the integer types; nil for everything else. Widths do not matter to RabbitMQ.
    package var integer: Int64? {
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

    /// The bytes of a long string as text; nil for everything else.
    package var text: String? {
        guard case .longString(let bytes) = self else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A field table: names and values in the order of the wire. A name may occur twice; the first one counts.
package struct FieldTable: Hashable, Sendable {
    /// How deep tables and arrays may nest. Deeper ones are hostile: each level costs stack.
    package static let depthLimit = 64

    package struct Entry: Hashable, Sendable {
        package var name: ShortString
        package var value: FieldValue
        package init(name: ShortString, value: FieldValue) {
            self.name = name
            self.value = value
        }
    }

    package var entries: [Entry]

    package init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// Reading gives the first entry of that name. Writing replaces it in its place, appends, or (nil) removes all.
    package subscript(name: ShortString) -> FieldValue? {
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
    package init(dictionaryLiteral elements: (ShortString, FieldValue)...) {
        entries = elements.map { Entry(name: $0.0, value: $0.1) }
    }
}
