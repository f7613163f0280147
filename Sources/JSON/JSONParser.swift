/// Why a text is no JSON, and where.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    package let reason: String
    /// Of the byte at which it was noticed, from 0.
    package let offset: Int

    package var description: String { "\(reason) at byte \(offset)" }
}

/// Reads JSON as RFC 8259 has it and no more: UTF-8, no trailing commas, no comments, and its depth is bounded. Whoever
/// collects the bytes bounds the size. A byte order mark, which some editors write, is passed over.
package struct JSONParser {
    /// Each level costs stack.
    package static let depthLimit = 64

    private let bytes: UnsafeBufferPointer<UInt8>
    private let depthLimit: Int
    private let hasUniqueNames: Bool
    private var position = 0
    private var depth = 0

    /// - Parameter hasUniqueNames: whether a name that is twice in an object is refused.
    package static func parse(
        _ bytes: [UInt8], depthLimit: Int = JSONParser.depthLimit, hasUniqueNames: Bool = true
    ) throws(JSONError) -> JSONValue {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw JSONError(reason: "the text is not UTF-8", offset: 0)
        }
        // A closure of withUnsafe... cannot throw a type of its own here.
        let result = bytes.withUnsafeBufferPointer { bytes -> Result<JSONValue, JSONError> in
            var parser = JSONParser(bytes, depthLimit: depthLimit, hasUniqueNames: hasUniqueNames)
            do throws(JSONError) { return .success(try parser.parseWhole()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private init(_ bytes: UnsafeBufferPointer<UInt8>, depthLimit: Int, hasUniqueNames: Bool) {
        self.bytes = bytes
        self.depthLimit = depthLimit
        self.hasUniqueNames = hasUniqueNames
    }

    private mutating func parseWhole() throws(JSONError) -> JSONValue {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        skipBlanks()
        let value = try parseValue()
        skipBlanks()
        guard position == bytes.count else { throw error("something follows the value") }
        return value
    }

    private func error(_ reason: String) -> JSONError { JSONError(reason: reason, offset: position) }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipBlanks() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    private mutating func parseValue() throws(JSONError) -> JSONValue {
        switch current {
        case UInt8(ascii: "{"): return .object(try nested { parser throws(JSONError) in try parser.parseObject() })
        case UInt8(ascii: "["): return .array(try nested { parser throws(JSONError) in try parser.parseArray() })
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case .some(UInt8(ascii: "-")), .some(0x30...0x39): return try parseNumber()
        case nil: throw error("the text ends where a value was expected")
        default: throw error("a value was expected")
        }
    }

    private mutating func nested<Value>(
        _ body: (inout JSONParser) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        depth += 1
        defer { depth -= 1 }
        guard depth <= depthLimit else { throw error("more than \(depthLimit) levels") }
        return try body(&self)
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let isThere = word.withUTF8Buffer { bytes[position...].starts(with: $0) }
        guard isThere else { throw error("a value was expected") }
        position += word.utf8CodeUnitCount
        return value
    }

    // MARK: Objects and arrays

    private mutating func parseObject() throws(JSONError) -> JSONObject {
        position += 1
        var object = JSONObject()
        var names: Set<String> = []
        skipBlanks()
        if take(UInt8(ascii: "}")) { return object }
        repeat {
            skipBlanks()
            guard current == UInt8(ascii: "\"") else { throw error("a name in quotes was expected") }
            let name = try parseString()
            guard !hasUniqueNames || names.insert(name).inserted else {
                throw error("'\(name.prefix(64))' is there twice,")
            }
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { throw error("':' was expected") }
            skipBlanks()
            object.append(name, try parseValue())
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw error("',' or '}' was expected") }
        return object
    }

    private mutating func parseArray() throws(JSONError) -> [JSONValue] {
        position += 1
        var values: [JSONValue] = []
        skipBlanks()
        if take(UInt8(ascii: "]")) { return values }
        repeat {
            skipBlanks()
            values.append(try parseValue())
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw error("',' or ']' was expected") }
        return values
    }

    // MARK: Numbers

    private mutating func parseNumber() throws(JSONError) -> JSONValue {
        let start = position
        _ = take(UInt8(ascii: "-"))
        let first = current
        guard skipDigits() > 0 else { throw error("a digit was expected") }
        if first == UInt8(ascii: "0"), position - start > (bytes[start] == UInt8(ascii: "-") ? 2 : 1) {
            throw error("a number with a leading zero")
        }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard skipDigits() > 0 else { throw error("a digit was expected") }
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard skipDigits() > 0 else { throw error("a digit was expected") }
        }
        guard position - start <= 400 else { throw error("a number of more than 400 characters") }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw error("a number that is too large") }
        return .double(value)
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = current, 0x30...0x39 ~= byte { position += 1 }
        return position - start
    }

    // MARK: Strings

    private mutating func parseString() throws(JSONError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = current {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try parseEscape(into: &text)
            case 0..<0x20: throw error("a control character in a string")
            default: text.append(byte)
            }
        }
        throw error("a string without an end")
    }

    private mutating func parseEscape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = current else { throw error("a string without an end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            guard let scalar = try parseScalar() else { throw error("half of a surrogate pair") }
            text += String(Character(scalar)).utf8
        default: throw error("an unknown escape")
        }
    }

    /// What follows `\u`: one unit of UTF-16, or two with another `\u` between them.
    private mutating func parseScalar() throws(JSONError) -> Unicode.Scalar? {
        let unit = try parseUnit()
        guard 0xD800...0xDBFF ~= unit else { return Unicode.Scalar(unit) }
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { return nil }
        let low = try parseUnit()
        guard 0xDC00...0xDFFF ~= low else { return nil }
        return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
    }

    private mutating func parseUnit() throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw error("four hexadecimal digits were expected") }
        var unit: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = hexadecimalValue(byte) else { throw error("four hexadecimal digits were expected") }
            unit = unit << 4 | UInt32(digit)
        }
        position += 4
        return unit
    }
}

/// The value of a hexadecimal digit in ASCII.
package func hexadecimalValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}
