/// One JSON object on one line, made field by field (RFC 8259).
struct JSONLine {
    private var fields = ""

    var text: String { "{\(fields)}" }

    mutating func add(_ name: String, _ value: Int) { add(name, raw: String(value)) }
    mutating func add(_ name: String, _ value: Bool) { add(name, raw: value ? "true" : "false") }
    mutating func add(_ name: String, _ value: String) { add(name, raw: Self.quoted(value)) }
    mutating func add(_ name: String, _ value: JSONLine) { add(name, raw: value.text) }
    mutating func add(_ name: String, _ values: [JSONLine]) {
        add(name, raw: "[\(values.map(\.text).joined(separator: ","))]")
    }
    /// A measured value, with so many decimals.
    mutating func add(_ name: String, _ value: Double, decimals: Int = 3) {
        add(name, raw: Quantity.fixed(value, decimals))
    }
    mutating func add(_ name: String, _ values: [Double], decimals: Int) {
        add(name, raw: "[\(values.map { Quantity.fixed($0, decimals) }.joined(separator: ","))]")
    }

    /// - Parameters:
    ///   - name: any text.
    ///   - raw: a JSON value.
    mutating func add(_ name: String, raw: String) {
        if !fields.isEmpty { fields += "," }
        fields += "\(Self.quoted(name)):\(raw)"
    }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                quoted += "\\u" + padded(scalar.value)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func padded(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}
