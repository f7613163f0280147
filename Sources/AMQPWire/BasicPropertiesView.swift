/// What a broker needs to know of a message's properties, found in their wire form without copying them.
///
/// Wire form (AMQP 0-9-1 section 4.2.6.1): property flags, 16 bits, then the values of the properties whose flag is
/// set, from the highest bit down; the lowest bit would announce another flag word, which class basic never needs.
package struct BasicPropertiesView {
    /// Bits of the flag word, as class basic numbers its properties.
    package enum Flag {
        @inlinable package static var contentType: UInt16 { 0x8000 }
        @inlinable package static var contentEncoding: UInt16 { 0x4000 }
        @inlinable package static var headers: UInt16 { 0x2000 }
        @inlinable package static var deliveryMode: UInt16 { 0x1000 }
        @inlinable package static var priority: UInt16 { 0x0800 }
        @inlinable package static var correlationID: UInt16 { 0x0400 }
        @inlinable package static var replyTo: UInt16 { 0x0200 }
        @inlinable package static var expiration: UInt16 { 0x0100 }
        @inlinable package static var messageID: UInt16 { 0x0080 }
        @inlinable package static var timestamp: UInt16 { 0x0040 }
        @inlinable package static var type: UInt16 { 0x0020 }
        @inlinable package static var userID: UInt16 { 0x0010 }
        @inlinable package static var applicationID: UInt16 { 0x0008 }
        @inlinable package static var clusterID: UInt16 { 0x0004 }
    }

    package var flags: UInt16 = 0
    /// The header table's entries, without the length before them; empty when there is none.
    package var headers = UnsafeRawBufferPointer(start: nil, count: 0)
    package var priority: UInt8 = 0
    /// Which of the headers that mean something to the broker there are.
    package var headerNames = HeaderNames(rawValue: 0)
    // Stored, since what is computed here would be a call for each message.

    /// `CC` or `BCC`.
    package private(set) var hasCopies = false
    package private(set) var isPersistent = false
    /// The wire form: what is rarely wanted is looked up there.
    private let bytes: UnsafeRawBufferPointer

    /// Checks the whole of `bytes`, header table included: what does not parse here is never handed to another client.
    package init(validating bytes: UnsafeRawBufferPointer) throws(WireError) {
        self.bytes = bytes
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
            hasCopies = headerNames.rawValue & HeaderNames.copies != 0
        }
        if flags & Flag.deliveryMode != 0 {
            // 2 is persistent, everything else transient.
            isPersistent = try reader.readUInt8() == 2
        }
        if flags & Flag.priority != 0 { priority = try reader.readUInt8() }
        if flags & Flag.correlationID != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.replyTo != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.expiration != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.messageID != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.timestamp != 0 { _ = try reader.readUInt64() }
        if flags & Flag.type != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.userID != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.applicationID != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.clusterID != 0 { _ = try reader.readShortStringView() }
        try reader.expectEnd()
    }
}

// Properties that few messages have, or few exchanges want.
extension BasicPropertiesView {
    package var correlationID: UnsafeRawBufferPointer { shortString(Flag.correlationID) }
    package var replyTo: UnsafeRawBufferPointer { shortString(Flag.replyTo) }
    package var expiration: UnsafeRawBufferPointer { shortString(Flag.expiration) }
    package var messageID: UnsafeRawBufferPointer { shortString(Flag.messageID) }
    package var userID: UnsafeRawBufferPointer { shortString(Flag.userID) }

    /// nil when there is none.
    package var timestamp: UInt64? {
        guard flags & Flag.timestamp != 0, var reader = reader(at: Flag.timestamp) else { return nil }
        return try? reader.readUInt64()
    }

    /// Empty when there is none.
    private func shortString(_ flag: UInt16) -> UnsafeRawBufferPointer {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        guard flags & flag != 0, var reader = reader(at: flag) else { return none }
        return (try? reader.readShortStringView()) ?? none
    }

    /// In front of a property's value. The bytes were checked: nothing fails.
    @inline(never)
    private func reader(at flag: UInt16) -> WireReader? {
        var reader = WireReader(bytes)
        do throws(WireError) {
            _ = try reader.readUInt16()
            var next = Flag.contentType
            while next > flag {
                if flags & next != 0 {
                    switch next {
                    case Flag.headers: _ = try reader.readLongStringView()
                    case Flag.deliveryMode, Flag.priority: _ = try reader.readUInt8()
                    case Flag.timestamp: _ = try reader.readUInt64()
                    default: _ = try reader.readShortStringView()
                    }
                }
                next >>= 1
            }
            return reader
        } catch {
            return nil
        }
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
