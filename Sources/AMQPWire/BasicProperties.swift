/// The 14 properties of class basic, read out. The broker builds them only where it must change a message
/// (dead-lettering); clients use them for every message.
package struct BasicProperties: Hashable, Sendable {
    package var contentType: ShortString?
    package var contentEncoding: ShortString?
    package var headers: FieldTable?
    /// 1 transient, 2 persistent.
    package var deliveryMode: UInt8?
    package var priority: UInt8?
    package var correlationID: ShortString?
    package var replyTo: ShortString?
    /// Milliseconds, as decimal digits.
    package var expiration: ShortString?
    package var messageID: ShortString?
    /// Seconds since 1970.
    package var timestamp: UInt64?
    package var type: ShortString?
    package var userID: ShortString?
    package var applicationID: ShortString?
    package var clusterID: ShortString?

    package init() {}

    package init(from reader: inout WireReader) throws(WireError) {
        typealias Flag = BasicPropertiesView.Flag
        let flags = try reader.readUInt16()
        guard flags & 0b11 == 0 else { throw .unknownProperty }
        if flags & Flag.contentType != 0 { contentType = try reader.readShortString() }
        if flags & Flag.contentEncoding != 0 { contentEncoding = try reader.readShortString() }
        if flags & Flag.headers != 0 { headers = try reader.readTable() }
        if flags & Flag.deliveryMode != 0 { deliveryMode = try reader.readUInt8() }
        if flags & Flag.priority != 0 { priority = try reader.readUInt8() }
        if flags & Flag.correlationID != 0 { correlationID = try reader.readShortString() }
        if flags & Flag.replyTo != 0 { replyTo = try reader.readShortString() }
        if flags & Flag.expiration != 0 { expiration = try reader.readShortString() }
        if flags & Flag.messageID != 0 { messageID = try reader.readShortString() }
        if flags & Flag.timestamp != 0 { timestamp = try reader.readUInt64() }
        if flags & Flag.type != 0 { type = try reader.readShortString() }
        if flags & Flag.userID != 0 { userID = try reader.readShortString() }
        if flags & Flag.applicationID != 0 { applicationID = try reader.readShortString() }
        if flags & Flag.clusterID != 0 { clusterID = try reader.readShortString() }
        try reader.expectEnd()
    }

    /// Flags and values, as they stand in a content header behind the body size.
    package func write(to buffer: inout OutboundBuffer) {
        typealias Flag = BasicPropertiesView.Flag
        let flags: [(Bool, UInt16)] = [
            (contentType != nil, Flag.contentType), (contentEncoding != nil, Flag.contentEncoding),
            (headers != nil, Flag.headers), (deliveryMode != nil, Flag.deliveryMode),
            (priority != nil, Flag.priority), (correlationID != nil, Flag.correlationID),
            (replyTo != nil, Flag.replyTo), (expiration != nil, Flag.expiration),
            (messageID != nil, Flag.messageID), (timestamp != nil, Flag.timestamp), (type != nil, Flag.type),
            (userID != nil, Flag.userID), (applicationID != nil, Flag.applicationID),
            (clusterID != nil, Flag.clusterID),
        ]
        buffer.write(flags.reduce(UInt16(0)) { $1.0 ? $0 | $1.1 : $0 })
        if let contentType { buffer.write(contentType) }
        if let contentEncoding { buffer.write(contentEncoding) }
        if let headers { buffer.write(headers) }
        if let deliveryMode { buffer.write(deliveryMode) }
        if let priority { buffer.write(priority) }
        if let correlationID { buffer.write(correlationID) }
        if let replyTo { buffer.write(replyTo) }
        if let expiration { buffer.write(expiration) }
        if let messageID { buffer.write(messageID) }
        if let timestamp { buffer.write(timestamp) }
        if let type { buffer.write(type) }
        if let userID { buffer.write(userID) }
        if let applicationID { buffer.write(applicationID) }
        if let clusterID { buffer.write(clusterID) }
    }
}
