/// One JSON object on one line, made field by field (RFC 8259).
struct JSONLine {
    private var fields = ""

    var text: String { "{\(fields)}" }

    mutating func add(_ name: String, _ value: some FixedWidthInteger) { add(name, raw: String(value)) }
    mutating func add(_ name: String, _ value: Bool) { add(name, raw: value ? "true" : "false") }
    mutating func add(_ name: String, _ value: String) { add(name, raw: Self.quoted(value)) }
    mutating func add(_ name: String, _ value: JSONLine) { add(name, raw: value.text) }
    mutating func add(_ name: String, _ values: [some FixedWidthInteger]) {
        add(name, raw: "[\(values.map { String($0) }.joined(separator: ","))]")
    }
    mutating func add(_ name: String, _ values: [JSONLine]) {
        add(name, raw: "[\(values.map(\.text).joined(separator: ","))]")
    }
    /// What is not there is `null`.
    mutating func add(_ name: String, _ values: [JSONLine?]) {
        add(name, raw: "[\(values.map { $0?.text ?? "null" }.joined(separator: ","))]")
    }

    /// A name of AMQP: text where it is UTF-8, else its bytes in hexadecimal under the name with `Hex` behind it.
    mutating func add(_ name: String, bytes: [UInt8]) {
        if let text = String(validating: bytes, as: UTF8.self) {
            add(name, text)
        } else {
            add("\(name)Hex", Self.hexadecimal(bytes))
        }
    }

    /// - Parameters:
    ///   - name: any text.
    ///   - raw: a JSON value.
    mutating func add(_ name: String, raw: String) {
        if !fields.isEmpty { fields += "," }
        fields += Self.quoted(name)
        fields += ":"
        fields += raw
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }

    static func quoted(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            return "\"\(text)\""
        }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
