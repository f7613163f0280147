import AMQPWire

/// The rules in the plainest form there is: what the tables are compared with.
enum NaiveMatching {
    // MARK: - Topic

    static func words(_ key: ShortString) -> [[UInt8]] {
        if key.isEmpty { return [] }
        return key.bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)
    }

    static func topic(_ pattern: ShortString, matches key: ShortString) -> Bool {
        topic(words(pattern)[...], words(key)[...])
    }

    private static func topic(_ pattern: ArraySlice<[UInt8]>, _ key: ArraySlice<[UInt8]>) -> Bool {
        guard let first = pattern.first else { return key.isEmpty }
        let rest = pattern.dropFirst()
        if first == [UInt8(ascii: "#")] {
            return topic(rest, key) || (!key.isEmpty && topic(pattern, key.dropFirst()))
        }
        guard let word = key.first else { return false }
        return (first == [UInt8(ascii: "*")] || first == word) && topic(rest, key.dropFirst())
    }

    // MARK: - Headers

    static func headers(_ arguments: FieldTable, match headers: FieldTable) -> Bool {
        let mode = arguments["x-match"]?.text ?? "all"
        let withX = mode.hasSuffix("-with-x")
        let compared = arguments.entries.filter { entry in
            withX ? entry.name != "x-match" : !entry.name.hasPrefix("x-")
        }
        let isMet = compared.map { argument in
            // Of a name that occurs twice in a message the last one counts.
            guard let header = headers.entries.last(where: { $0.name == argument.name }) else { return false }
            return argument.value == .void || equal(argument.value, header.value)
        }
        return mode.hasPrefix("any") ? isMet.contains(true) : !isMet.contains(false)
    }

    private static func equal(_ argument: FieldValue, _ header: FieldValue) -> Bool {
        switch (argument, header) {
        case (.bool(let left), .bool(let right)): left == right
        case (.longString(let left), .longString(let right)), (.longString(let left), .bytes(let right)),
            (.bytes(let left), .longString(let right)), (.bytes(let left), .bytes(let right)):
            left == right
        case (.decimal(let leftScale, let left), .decimal(let rightScale, let right)):
            leftScale == rightScale && left == right
        case (.table(let left), .table(let right)): left == right
        case (.array(let left), .array(let right)): left == right
        case (.table(let left), .array(let right)): left.isEmpty && right.isEmpty
        case (.array(let left), .table(let right)): left.isEmpty && right.isEmpty
        default: number(argument, timestampFactor: 1).map { $0 == number(header, timestampFactor: 1000) } ?? false
        }
    }

    private enum Number: Equatable {
        case integer(Int128)
        case float(UInt64)
    }

    private static func number(_ value: FieldValue, timestampFactor: Int128) -> Number? {
        switch value {
        case .float(let value): .float(Double(value).bitPattern)
        case .double(let value): .float(value.bitPattern)
        case .timestamp(let value): .integer(Int128(value) * timestampFactor)
        default: value.integer.map { .integer(Int128($0)) }
        }
    }
}
