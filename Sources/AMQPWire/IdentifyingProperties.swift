/// The properties that tell messages apart, found in their wire form without copying them: for exchanges that hash
/// them.
package struct IdentifyingProperties {
    /// Empty when there is none.
    package private(set) var correlationID = UnsafeRawBufferPointer(start: nil, count: 0)
    package private(set) var messageID = UnsafeRawBufferPointer(start: nil, count: 0)
    package private(set) var timestamp: UInt64?

    /// - Parameter bytes: flags and values, which `BasicPropertiesView` has validated.
    package init(_ bytes: UnsafeRawBufferPointer) {
        var reader = WireReader(bytes)
        try? read(&reader)
    }

    private mutating func read(_ reader: inout WireReader) throws(WireError) {
        typealias Flag = BasicPropertiesView.Flag
        let flags = try reader.readUInt16()
        if flags & Flag.contentType != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.contentEncoding != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.headers != 0 { _ = try reader.readLongStringView() }
        if flags & Flag.deliveryMode != 0 { _ = try reader.readUInt8() }
        if flags & Flag.priority != 0 { _ = try reader.readUInt8() }
        if flags & Flag.correlationID != 0 { correlationID = try reader.readShortStringView() }
        if flags & Flag.replyTo != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.expiration != 0 { _ = try reader.readShortStringView() }
        if flags & Flag.messageID != 0 { messageID = try reader.readShortStringView() }
        if flags & Flag.timestamp != 0 { timestamp = try reader.readUInt64() }
    }
}
