/// Whatever goes wrong between this program and the broker: what happened, the broker's own words where it gave some,
/// and what to do about it.
///
/// Waiting operations whose task is cancelled throw `CancellationError`; everything else throws this.
public struct LeveretError: Error, Sendable, Hashable {
    /// What kind of error it is. Codes may be added: a `switch` needs a `default`.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The URI cannot be read.
        public static let invalidURI = Code(rawValue: "invalidURI")
        /// A value cannot be sent: a name over 255 bytes, a table nested too deep. Nothing was sent.
        public static let invalidArgument = Code(rawValue: "invalidArgument")
        /// The broker could not be reached.
        public static let connectFailed = Code(rawValue: "connectFailed")
        /// The broker was reached, but no connection came about: it is no AMQP 0-9-1 broker, or it did not answer.
        public static let handshakeFailed = Code(rawValue: "handshakeFailed")
        /// User or password is wrong, or the user may not log in from here.
        public static let loginRefused = Code(rawValue: "loginRefused")
        /// The broker closed the connection: ``LeveretError/replyCode`` and ``LeveretError/replyText`` say why.
        public static let connectionClosedByServer = Code(rawValue: "connectionClosedByServer")
        /// The broker closed the channel: ``LeveretError/replyCode`` and ``LeveretError/replyText`` say why. The
        /// connection goes on.
        public static let channelClosedByServer = Code(rawValue: "channelClosedByServer")
        /// The socket ended without a word.
        public static let connectionLost = Code(rawValue: "connectionLost")
        /// Nothing came from the broker for two heartbeat intervals.
        public static let heartbeatMissed = Code(rawValue: "heartbeatMissed")
        /// This program closed the connection or the channel.
        public static let closed = Code(rawValue: "closed")
        /// The broker sent bytes that AMQP 0-9-1 does not allow.
        public static let protocolViolation = Code(rawValue: "protocolViolation")
        /// The broker did not take responsibility for a published message.
        public static let nacked = Code(rawValue: "nacked")
        /// A mandatory message reached no queue.
        public static let returned = Code(rawValue: "returned")
        /// The broker ended a consumer, as it does when the queue is deleted.
        public static let consumerCancelled = Code(rawValue: "consumerCancelled")
        /// The connection has as many channels as the broker allows.
        public static let channelLimitReached = Code(rawValue: "channelLimitReached")
        /// Deliveries came faster than they were taken until the client's memory bound was reached.
        public static let tooManyDeliveries = Code(rawValue: "tooManyDeliveries")
    }

    public var code: Code
    /// What happened, as a sentence.
    public var message: String
    /// What to do about it, as a sentence.
    public var advice: String
    /// AMQP's reply code, such as 404, when the broker gave one.
    public var replyCode: UInt16?
    /// The broker's words, such as `NOT_FOUND - no queue 'orders' in vhost '/'`.
    public var replyText: String?
    /// The method that the broker blames, such as `queue.declare`.
    public var method: String?

    public init(
        _ code: Code, _ message: String, advice: String, replyCode: UInt16? = nil, replyText: String? = nil,
        method: String? = nil
    ) {
        self.code = code
        self.message = message
        self.advice = advice
        self.replyCode = replyCode
        self.replyText = replyText
        self.method = method
    }
}

extension LeveretError: CustomStringConvertible {
    public var description: String {
        var text = message
        if let replyText {
            text +=
                " The broker says\(method.map { " of \($0)" } ?? ""): \(replyCode.map { "\($0) " } ?? "")\(replyText)"
            if !replyText.hasSuffix(".") { text += "." }
        }
        return "\(text) \(advice)"
    }
}
