import AMQPWire

/// The further routing keys of a message: its `CC` and `BCC` headers, each an array of strings (RabbitMQ's
/// sender-selected distribution). What is no string in the array is passed over.
enum CarbonCopies {
    /// - Throws: when one of the headers is no array.
    static func keys(in headers: FieldTable) throws(ProtocolError) -> [ShortString] {
        try keys("CC", headers) + keys("BCC", headers)
    }

    /// The keys that everybody who gets the message may know.
    static func visibleKeys(in headers: FieldTable) -> [ShortString] { (try? keys("CC", headers)) ?? [] }

    private static func keys(_ name: ShortString, _ headers: FieldTable) throws(ProtocolError) -> [ShortString] {
        guard let value = headers[name] else { return [] }
        guard case .array(let values) = value else { throw .unacceptableHeader(name, type: value.typeName) }
        return values.compactMap { value in
            // No binding has a key that is longer.
            guard case .longString(let bytes) = value, bytes.count <= ShortString.byteLimit else { return nil }
            return ShortString(bytes: bytes)
        }
    }
}

/// What a message that is being received says of further routing keys. An error waits until those that RabbitMQ looks
/// for before it have been looked for.
enum HeaderRoutes {
    case none
    case keys([ShortString])
    case malformed(ProtocolError)
}

extension BasicPropertiesView {
    /// The headers, read out.
    var headerTable: FieldTable {
        var reader = WireReader(headers)
        return (try? FieldTable(readingAll: &reader, depth: 1)) ?? FieldTable()
    }
}
