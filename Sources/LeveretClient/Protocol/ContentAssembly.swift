import AMQPWire

/// A method with content whose header and body frames are still to come.
struct ContentAssembly {
    enum Stage { case idle, header, body }
    enum Kind {
        case delivery(consumerTag: ShortString)
        case got
        case returned(replyCode: UInt16, replyText: String)
    }

    var stage = Stage.idle
    var kind = Kind.got
    var message = ReceivedMessage()
    /// Body bytes that have not come yet.
    var missingCount = 0

    /// How much room is made for a body before it comes: the announced size is the broker's word only.
    static let reservedByteCount = 1 << 20

    mutating func begin(_ kind: Kind, _ message: ReceivedMessage) {
        stage = .header
        self.kind = kind
        self.message = message
    }

    /// A content header. Afterwards `isComplete` may be true.
    mutating func takeHeader(_ payload: UnsafeRawBufferPointer, sizeMax: Int) throws(LeveretError) {
        let classID: UInt16
        let size: UInt64
        do throws(WireError) {
            var reader = WireReader(payload)
            classID = try reader.readUInt16()
            _ = try reader.readUInt16()
            size = try reader.readUInt64()
            let properties = reader.remaining
            _ = try BasicPropertiesView(validating: properties)
            // The flag word alone says no more than nothing does.
            message.propertyBytes = properties.count > 2 ? [UInt8](properties) : []
        } catch {
            throw .malformed(error, in: "a content header")
        }
        guard classID == BasicPublish.classID else {
            throw .protocolViolation("a content header of class \(classID)")
        }
        guard size <= UInt64(sizeMax) else {
            throw .protocolViolation("a message of \(size) bytes, more than messageSizeMax \(sizeMax)")
        }
        missingCount = Int(size)
        stage = .body
    }

    var isComplete: Bool { stage == .body && missingCount == 0 }

    mutating func takeBody(_ payload: UnsafeRawBufferPointer) throws(LeveretError) {
        guard payload.count <= missingCount else {
            throw .protocolViolation("a body longer than its header says")
        }
        missingCount -= payload.count
        if message.body.isEmpty {
            if missingCount > 0 {
                message.body.reserveCapacity(payload.count + min(missingCount, Self.reservedByteCount))
            } else {
                message.body = [UInt8](payload)
                return
            }
        }
        message.body.append(contentsOf: payload)
    }

    /// The whole of it; the assembly is empty again.
    mutating func take() -> (Kind, ReceivedMessage) {
        defer {
            stage = .idle
            message = ReceivedMessage()
        }
        return (kind, message)
    }
}
