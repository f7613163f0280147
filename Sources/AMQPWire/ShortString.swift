/// `shortstr` of AMQP 0-9-1 (section 4.2.5.3): at most 255 bytes, by convention UTF-8, compared as bytes.
///
/// Exchange, queue, consumer-tag and routing-key names are short strings. They stay bytes: a name that is no valid
/// UTF-8 is still a name of its own.
package struct ShortString: Hashable, Sendable {
    package static let byteLimit = 255

    package let bytes: [UInt8]

    /// - Precondition: at most 255 bytes.
    package init(bytes: [UInt8]) {
        precondition(bytes.count <= Self.byteLimit, "a short string has at most 255 bytes")
        self.bytes = bytes
    }

    package init(_ view: UnsafeRawBufferPointer) {
        self.init(bytes: [UInt8](view))
    }

    /// nil when the text has more than 255 bytes of UTF-8.
    package init?(_ text: String) {
        let bytes = [UInt8](text.utf8)
        guard bytes.count <= Self.byteLimit else { return nil }
        self.bytes = bytes
    }

    /// The text, cut at a character so that it fits.
    package init(truncating text: String) {
        var bytes = [UInt8](text.utf8)
        if bytes.count > Self.byteLimit {
            bytes.removeSubrange(Self.byteLimit...)
            while !bytes.isEmpty, String(validating: bytes, as: UTF8.self) == nil { bytes.removeLast() }
        }
        self.bytes = bytes
    }

    package var isEmpty: Bool { bytes.isEmpty }
    package var count: Int { bytes.count }

    package func hasPrefix(_ prefix: StaticString) -> Bool {
        guard bytes.count >= prefix.utf8CodeUnitCount else { return false }
        return bytes.withUnsafeBytes { own in
            prefix.withUTF8Buffer { own.prefix($0.count).elementsEqual($0) }
        }
    }
}

extension ShortString: ExpressibleByStringLiteral {
    package init(stringLiteral value: StaticString) {
        self.init(bytes: value.withUTF8Buffer { [UInt8]($0) })
    }
}

extension ShortString: CustomStringConvertible {
    /// For people: bytes that are no UTF-8 show as U+FFFD.
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension ShortString: Comparable {
    package static func < (left: Self, right: Self) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}
