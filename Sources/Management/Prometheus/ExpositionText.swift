import JSON

/// Prometheus's text format, version 0.0.4, as it grows.
package struct ExpositionText: Sendable {
    /// What the HTTP answer calls it.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// What has been written, to be sent; the text goes on behind it.
    package mutating func take() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    package mutating func reserve(_ byteCount: Int) { bytes.reserveCapacity(byteCount) }

    /// What stands before a family's samples.
    package mutating func header(of family: MetricFamily, prefix: MetricPrefix) {
        append("# HELP ")
        append(prefix.rawValue)
        append(family.name)
        append(" ")
        for byte in family.help.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append(#"\\"#)
            case UInt8(ascii: "\n"): append(#"\n"#)
            default: bytes.append(byte)
            }
        }
        append("\n# TYPE ")
        append(prefix.rawValue)
        append(family.name)
        append(" ")
        append(family.type.rawValue)
        append("\n")
    }

    /// One sample. The name is complete, with prefix and, for histograms, suffix.
    package mutating func sample(name: [UInt8], labels: some Collection<UInt8>, value: Double) {
        bytes.append(contentsOf: name)
        if !labels.isEmpty {
            bytes.append(UInt8(ascii: "{"))
            bytes.append(contentsOf: labels)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
        append(value)
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func append(_ value: Double) {
        // Most values are counts, and a double holds them exactly up to here.
        if value.magnitude < 0x1p53, value == value.rounded(.towardZero) {
            bytes.append(decimal: Int(value))
        } else if value.isFinite {
            append(value.description)
        } else {
            append(value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf")
        }
    }
}
