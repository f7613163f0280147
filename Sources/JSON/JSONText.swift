// Parts of JSON's text, for what is written without a value of it.
extension [UInt8] {
    package mutating func append(_ text: StaticString) { text.withUTF8Buffer { append(contentsOf: $0) } }

    /// A member's name, which needs no escape, with what is before and behind it.
    package mutating func append(member name: StaticString, isFirst: Bool) {
        let length = name.utf8CodeUnitCount
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: length + 4) { text in
            text[0] = UInt8(ascii: ",")
            text[1] = UInt8(ascii: "\"")
            UnsafeMutableRawBufferPointer(text).baseAddress?.advanced(by: 2).copyMemory(
                from: name.utf8Start, byteCount: length)
            text[length + 2] = UInt8(ascii: "\"")
            text[length + 3] = UInt8(ascii: ":")
            append(contentsOf: UnsafeBufferPointer(rebasing: text[(isFirst ? 1 : 0)...]))
        }
    }

    package mutating func append(decimal value: Int) {
        // Most counts are.
        if 0...9 ~= value { return append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value)) }
        if value < 0 { append(UInt8(ascii: "-")) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = digits.count
            var rest = value.magnitude
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            append(contentsOf: digits[start...])
        }
    }

    /// JSON has no word for what is no number.
    package mutating func append(json value: Double) {
        if value == 0, value.sign == .plus { return append("0.0") }
        if value.magnitude < 0x1p53, value == value.rounded(.towardZero), value.sign == .plus || value != 0 {
            append(decimal: Int(value))
            append(".0")
        } else if value.isFinite {
            append(contentsOf: value.description.utf8)
        } else {
            append("null")
        }
    }

    /// A string, which is UTF-8.
    package mutating func append(json text: some Collection<UInt8>) {
        append(UInt8(ascii: "\""))
        let isAppended: Void? = text.withContiguousStorageIfAvailable { append(escaping: $0) }
        if isAppended == nil { [UInt8](text).withUnsafeBufferPointer { append(escaping: $0) } }
        append(UInt8(ascii: "\""))
    }

    /// What needs no escape is copied in one go.
    private mutating func append(escaping text: UnsafeBufferPointer<UInt8>) {
        var start = 0
        for (index, byte) in text.enumerated() where Self.mayNeedEscape[Int(byte)] {
            guard let first = Self.escapeStart(text, index) else { continue }
            append(contentsOf: text[start..<first])
            append(escaped: byte, after: index - first)
            start = index + 1
        }
        append(contentsOf: text[start...])
    }

    private static let mayNeedEscape: [Bool] = (0..<256).map { (byte: Int) -> Bool in
        switch byte {
        case 0..<0x20, 0x22, 0x5C, 0x7F...0x9F, 0xA8...0xA9: true
        default: false
        }
    }

    /// Where the character begins that ends with this byte, if it is escaped.
    private static func escapeStart(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int? {
        switch text[index] {
        case 0..<0x80: index
        // U+0080 to U+009F steer terminals.
        case 0x80...0x9F where index > 0 && text[index - 1] == 0xC2: index - 1
        // U+2028 and U+2029 end a line for some, and one value shall be one line.
        case 0xA8...0xA9 where index > 1 && text[index - 1] == 0x80 && text[index - 2] == 0xE2: index - 2
        default: nil
        }
    }

    /// - Parameter count: bytes of the character before its last.
    private mutating func append(escaped byte: UInt8, after count: Int) {
        switch byte {
        case 0xA8 where count == 2: append(#"\u2028"#)
        case 0xA9 where count == 2: append(#"\u2029"#)
        case UInt8(ascii: "\""): append(#"\""#)
        case UInt8(ascii: "\\"): append(#"\\"#)
        case 0x08: append(#"\b"#)
        case 0x09: append(#"\t"#)
        case 0x0A: append(#"\n"#)
        case 0x0C: append(#"\f"#)
        case 0x0D: append(#"\r"#)
        default:
            append(byte < 16 ? #"\u000"# : #"\u00"#)
            append(contentsOf: String(byte, radix: 16).utf8)
        }
    }
}
