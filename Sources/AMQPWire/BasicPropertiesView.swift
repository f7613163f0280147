/// What a broker needs to know of a message's properties, found in their wire form without copying them.
///
/// Wire form (AMQP 0-9-1 section 4.2.6.1): property flags, 16 bits, then the values of the properties whose flag is
/// set, from the highest bit down; the lowest bit would announce another flag word, which class basic never needs.
package struct BasicPropertiesView {
    /// Bits of the flag word, as class basic numbers its properties.
    package enum Flag {
        package static let contentType: UInt16 = 1 << 15
        package static let contentEncoding: UInt16 = 1 << 14
        package static let headers: UInt16 = 1 << 13
        package static let deliveryMode: UInt16 = 1 << 12
        package static let priority: UInt16 = 1 << 11
        package static let correlationID: UInt16 = 1 << 10
        package static let replyTo: UInt16 = 1 << 9
        package static let expiration: UInt16 = 1 << 8
        package static let messageID: UInt16 = 1 << 7
        package static let timestamp: UInt16 = 1 << 6
        package static let type: UInt16 = 1 << 5
        package static let userID: UInt16 = 1 << 4
        package static let applicationID: UInt16 = 1 << 3
        package static let clusterID: UInt16 = 1 << 2
    }

    package var flags: UInt16 = 0
    /// The header table's entries, without the length before them; empty when there is none.
    package var headers = UnsafeRawBufferPointer(start: nil, count: 0)
    /// 2 is persistent, everything else transient.
    package var deliveryMode: UInt8 = 1
    package var priority: UInt8 = 0
    /// Which of the headers that mean something to the broker there are.
    package var headerNames = HeaderNames(rawValue: 0)
    /// `CC` or `BCC`: for every message, and so no question to a set of another module, which is slow.
    package var hasCopies: Bool { headerNames.rawValue & HeaderNames.copies != 0 }
    package var replyTo = UnsafeRawBufferPointer(start: nil, count: 0)
    package var expiration = UnsafeRawBufferPointer(start: nil, count: 0)
    package var userID = UnsafeRawBufferPointer(start: nil, count: 0)

    package var isPersistent: Bool { deliveryMode == 2 }

    /// Checks the whole of `bytes`, header table included: what does not parse here is never handed to another client.
    package init(validating bytes: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(bytes)
        flags = try reader.readUInt16()
        if flags == 0 {
            try reader.expectEnd()
            return
        }
        guard flags & 0b11 == 0 else { throw .unknownProperty }
        if flags & Flag.contentType != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.contentEncoding != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.headers != 0 {
            headers = try reader.readLongStringView()
            var table = WireReader(headers)
            headerNames = try table.skipHeaders()
        }
        if flags & Flag.deliveryMode != 0 { deliveryMode = try reader.readUInt8() }
        if flags & Flag.priority != 0 { priority = try reader.readUInt8() }
        if flags & Flag.correlationID != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.replyTo != 0 { replyTo = try reader.readShortStringView() }
        if flags & Flag.expiration != 0 { expiration = try reader.readShortStringView() }
        if flags & Flag.messageID != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.timestamp != 0 { _ = try reader.readUInt64() }
        if flags & Flag.type != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.userID != 0 { userID = try reader.readShortStringView() }
        if flags & Flag.applicationID != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.clusterID != 0 { _ = try reader.readShortStringView() }
        try reader.expectEnd()
    }
}

extension WireReader {
    /// Walks the entries of a header table as `skipTableEntries` does, and looks at their names.
    fileprivate mutating func skipHeaders() throws(WireError) -> HeaderNames {
        var found = HeaderNames(rawValue: 0)
        while remainingCount > 0 {
            found.insert(name: try readShortStringView())
            try skipFieldValue(depth: 1)
        }
        return found
    }

    /// Walks the entries up to the end, checking lengths, type letters and depth; allocates nothing.
    package mutating func skipTableEntries(depth: Int) throws(WireError) {
        guard depth <= FieldTable.depthLimit else { throw .nestedTooDeep }
        while remainingCount > 0 {
            _ = try readShortStringView()
            try skipFieldValue(depth: depth)
        }
    }

    private mutating func skipFieldValue(depth: Int) throws(WireError) {
        let letter = try readUInt8()
        switch letter {
        case UInt8(ascii: "S"), UInt8(ascii: "x"): _ = try readLongStringView()
        case UInt8(ascii: "t"), UInt8(ascii: "b"), UInt8(ascii: "B"): _ = try readBytes(1)
        case UInt8(ascii: "s"), UInt8(ascii: "u"): _ = try readBytes(2)
        case UInt8(ascii: "I"), UInt8(ascii: "i"), UInt8(ascii: "f"): _ = try readBytes(4)
        case UInt8(ascii: "l"), UInt8(ascii: "L"), UInt8(ascii: "d"), UInt8(ascii: "T"): _ = try readBytes(8)
        case UInt8(ascii: "D"): _ = try readBytes(5)
        case UInt8(ascii: "V"): break
        case UInt8(ascii: "F"):
            var inner = WireReader(try readLongStringView())
            try inner.skipTableEntries(depth: depth + 1)
        case UInt8(ascii: "A"):
            guard depth + 1 <= FieldTable.depthLimit else { throw .nestedTooDeep }
            var inner = WireReader(try readLongStringView())
            while inner.remainingCount > 0 { try inner.skipFieldValue(depth: depth + 1) }
        default: throw .unknownFieldType(letter)
        }
    }
}
