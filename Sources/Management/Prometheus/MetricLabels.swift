/// Labels as the exposition format writes them between its braces: `vhost="/",queue="q"`.
package struct MetricLabels: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package init(dictionaryLiteral pairs: (StaticString, String)...) {
        for (name, value) in pairs { append(name, value.utf8) }
    }

    /// Names of queues and the like are bytes, of any kind; the format is UTF-8, and one wrong byte would lose the
    /// whole page. So what is no UTF-8 becomes U+FFFD with the byte's two hexadecimal digits: still a name of its own.
    package mutating func append(_ name: StaticString, _ value: some Sequence<UInt8>) {
        if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "="))
        bytes.append(UInt8(ascii: "\""))
        let start = bytes.count
        var isPlain = true
        for byte in value {
            bytes.append(byte)
            if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\"") {
                isPlain = false
            }
        }
        if !isPlain { escape(from: start) }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(from start: Int) {
        let value = Array(bytes[start...])
        bytes.removeSubrange(start...)
        var index = 0
        while index < value.count {
            switch value[index] {
            case UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "\\")]
            case UInt8(ascii: "\""): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "\"")]
            case UInt8(ascii: "\n"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case let byte where byte < 0x80: bytes.append(byte)
            default:
                let length = Self.characterLength(value, at: index)
                if length > 0 {
                    bytes += value[index..<index + length]
                    index += length - 1
                } else {
                    let digits = Array("0123456789abcdef".utf8)
                    bytes += "\u{FFFD}".utf8
                    bytes += [digits[Int(value[index] >> 4)], digits[Int(value[index] & 15)]]
                }
            }
            index += 1
        }
    }

    /// The bytes of the character beyond ASCII that starts here; 0 when it is none.
    private static func characterLength(_ bytes: [UInt8], at index: Int) -> Int {
        let length =
            switch bytes[index] {
            case 0xC2...0xDF: 2
            case 0xE0...0xEF: 3
            case 0xF0...0xF4: 4
            default: 0
            }
        guard length > 0, index + length <= bytes.count else { return 0 }
        return String(validating: bytes[index..<index + length], as: UTF8.self) == nil ? 0 : length
    }
}
