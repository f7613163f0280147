/// Base 64 (RFC 4648), for passwords in headers and for bodies that are no text.
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for index in 0..<3 { group = group << 8 | (index < count ? UInt32(bytes[start + index]) : 0) }
            for index in 0..<4 {
                let digit = digits[Int(group >> (18 - 6 * UInt32(index)) & 63)]
                text.append(index <= count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// nil when it is no base 64.
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var group: UInt32 = 0
        var count = 0
        for digit in text.utf8 {
            if digit == UInt8(ascii: "=") { break }
            guard let value = digits.firstIndex(of: digit) else { return nil }
            group = group << 6 | UInt32(value)
            count += 1
            if count.isMultiple(of: 4) {
                bytes += [UInt8(group >> 16 & 0xFF), UInt8(group >> 8 & 0xFF), UInt8(group & 0xFF)]
                group = 0
            }
        }
        switch count % 4 {
        case 1: return nil
        case 2: bytes.append(UInt8(group >> 4 & 0xFF))
        case 3: bytes += [UInt8(group >> 10 & 0xFF), UInt8(group >> 2 & 0xFF)]
        default: break
        }
        return bytes
    }
}
