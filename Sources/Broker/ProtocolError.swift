import AMQPWire

/// A mistake of the client, as it is answered: `channel.close` or, by the reply code, `connection.close`.
package struct ProtocolError: Error, Equatable, Sendable {
    package let code: ReplyCode
    /// What follows `NAME - ` in the reply text.
    package let explanation: String
    /// Zero where no method is to blame.
    package var classID: UInt16 = 0
    package var methodID: UInt16 = 0

    package init(_ code: ReplyCode, _ explanation: String) {
        self.code = code
        self.explanation = explanation
    }

    /// `NOT_FOUND - no queue 'q' in vhost '/'`. More than 255 bytes become 252 and three dots (RabbitMQ:
    /// `rabbit_binary_generator`).
    package var replyText: ShortString {
        let bytes = Array("\(code.name) - \(explanation)".utf8)
        if bytes.count <= ShortString.byteLimit { return ShortString(bytes: bytes) }
        return ShortString(bytes: Array(bytes.prefix(ShortString.byteLimit - 3)) + Array("...".utf8))
    }

    func blaming(_ classID: UInt16, _ methodID: UInt16) -> ProtocolError {
        guard self.classID == 0 else { return self }
        var blamed = self
        blamed.classID = classID
        blamed.methodID = methodID
        return blamed
    }
}
