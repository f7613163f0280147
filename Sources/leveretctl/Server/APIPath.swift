/// The path of a resource of the HTTP API below `/api`, with the names in it encoded: `/` is `%2F`.
struct APIPath: Equatable, CustomStringConvertible {
    private(set) var description = ""
    private var hasQuery = false

    /// - Parameter names: words of the API and names of the broker, in order.
    init(_ names: String...) { self.init(names) }

    init(_ names: [String]) {
        for name in names { description += "/" + Self.encoded(name) }
    }

    /// The path with a parameter behind it.
    func with(_ name: String, _ value: String) -> APIPath {
        var path = self
        path.description += (hasQuery ? "&" : "?") + Self.encoded(name) + "=" + Self.encoded(value)
        path.hasQuery = true
        return path
    }

    /// Asks for these fields alone; for all of them when there are none.
    func with(fields: [String]?) -> APIPath { fields.map { with("columns", $0.joined(separator: ",")) } ?? self }

    /// Everything but letters, digits and `-_.~` as `%XX`. A name of dots alone would be taken for a step upwards.
    static func encoded(_ text: String) -> String {
        let isDots = !text.isEmpty && text.utf8.allSatisfy { $0 == UInt8(ascii: ".") }
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: ".") where !isDots: encoded += "."
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return encoded
    }
}
