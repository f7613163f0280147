/// A limit of memory or disk space, as a number of bytes or in proportion to the memory that the node may use.
package enum ResourceLimit: Sendable, Equatable {
    case bytes(Int)
    /// Times the memory.
    case memoryShare(Double)

    /// - Parameter memoryBytes: the memory that the node may use.
    package func byteCount(memoryBytes: Int) -> Int {
        switch self {
        case .bytes(let count): count
        case .memoryShare(let share): Int(min(Double(memoryBytes) * share, Double(Self.bytesLimit)))
        }
    }

    /// As a file would write it.
    var text: String {
        switch self {
        case .bytes(let count): String(count)
        case .memoryShare(let share): String(share)
        }
    }

    /// An exbibyte: more than any disk has.
    static let bytesLimit = 1 << 60

    /// Reads `1000`, `50MB` or `512MiB`, as RabbitMQ does: any of k, M, G, T and P in either case, with an `i` for
    /// powers of 1024 instead of 1000, with or without a B.
    static func bytes(_ text: String) -> Int? {
        let digits = text.utf8.prefix { 0x30...0x39 ~= $0 }
        guard let number = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
        var unit = text.utf8.dropFirst(digits.count).map { $0 | 0x20 }
        guard let letter = unit.first else { return number }
        guard let power = "kmgtp".utf8.firstIndex(of: letter) else { return nil }
        let exponent = "kmgtp".utf8.distance(from: "kmgtp".utf8.startIndex, to: power) + 1
        unit.removeFirst()
        let isBinary = unit.first == UInt8(ascii: "i")
        if isBinary { unit.removeFirst() }
        guard unit.isEmpty || unit == [UInt8(ascii: "b")] else { return nil }
        let factor = (0..<exponent).reduce(1) { product, _ in product * (isBinary ? 1024 : 1000) }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }

    /// Reads `0.6` or `2`: digits with at most one point.
    static func share(_ text: String) -> Double? {
        let isPlain = text.utf8.allSatisfy { 0x30...0x39 ~= $0 || $0 == UInt8(ascii: ".") }
        return isPlain && text.utf8.count <= 32 ? Double(text) : nil
    }
}
