import AMQPWire

// One function for each thing that can happen, so that every text stands here.
extension LeveretError {
    static func invalidURI(_ problem: String) -> LeveretError {
        LeveretError(
            .invalidURI, "The URI cannot be read: \(problem).",
            advice: "Write it as amqp://user:password@host:5672/vhost, with special characters percent-encoded.")
    }

    static func invalidArgument(_ problem: String) -> LeveretError {
        LeveretError(.invalidArgument, "The request was not sent: \(problem).", advice: "Correct the argument.")
    }

    static func connectFailed(host: String, port: Int, reason: String) -> LeveretError {
        LeveretError(
            .connectFailed, "No connection to \(host):\(port): \(reason).",
            advice: "Check that the broker runs, listens there and is not behind a firewall.")
    }

    static let handshakeTimedOut = LeveretError(
        .handshakeFailed, "The broker did not complete the handshake in time.",
        advice: "Check that an AMQP 0-9-1 broker listens there without TLS, or raise connectTimeoutSeconds.")

    static func otherProtocol(_ bytes: [UInt8]) -> LeveretError {
        let version = bytes.map { String($0) }.joined(separator: ".")
        return LeveretError(
            .handshakeFailed, "The server speaks another protocol: it asks for AMQP \(version).",
            advice: "Connect to a broker's AMQP 0-9-1 port, usually 5672.")
    }

    static func handshake(_ problem: String) -> LeveretError {
        LeveretError(
            .handshakeFailed, "The handshake failed: \(problem).",
            advice: "Connect to a broker's AMQP 0-9-1 port, usually 5672.")
    }

    static let lostDuringLogin = LeveretError(
        .loginRefused, "The broker ended the connection during login.",
        advice: "Check user and password, and the broker's log.")

    static let connectionLost = LeveretError(
        .connectionLost, "The connection to the broker was lost.",
        advice: "Connect again; what was not confirmed may be lost, what was not acked comes again.")

    static func heartbeatMissed(seconds: UInt16) -> LeveretError {
        LeveretError(
            .heartbeatMissed, "Nothing came from the broker for two heartbeat intervals of \(seconds) seconds.",
            advice: "Connect again; check the network, or choose a longer heartbeat.")
    }

    static let closed = LeveretError(
        .closed, "This program has closed the channel or its connection.", advice: "Open a new one.")

    static func protocolViolation(_ problem: String) -> LeveretError {
        LeveretError(
            .protocolViolation, "The broker's bytes are no valid AMQP 0-9-1: \(problem).",
            advice: "Check that the peer is an AMQP 0-9-1 broker, and report it to its makers.")
    }

    static func malformed(_ error: WireError, in place: String) -> LeveretError {
        protocolViolation("\(error) in \(place)")
    }

    static let nacked = LeveretError(
        .nacked, "The broker did not take the message.",
        advice: "Publish it again later; a queue that is full and set to reject-publish answers like this.")

    static func returned(_ message: ReturnedMessage) -> LeveretError {
        LeveretError(
            .returned,
            "The mandatory message to exchange '\(message.exchange)' with key '\(message.routingKey)' came back.",
            advice: "Bind a queue for that routing key, or publish without mandatory.",
            replyCode: message.replyCode, replyText: message.replyText, method: "basic.publish")
    }

    static func consumerCancelled(tag: String) -> LeveretError {
        LeveretError(
            .consumerCancelled, "The broker cancelled consumer '\(tag)'.",
            advice: "The queue was probably deleted: declare it and consume again.")
    }

    static func channelLimitReached(_ limit: UInt16) -> LeveretError {
        LeveretError(
            .channelLimitReached, "The connection has \(limit) channels, and the broker allows no more.",
            advice: "Close channels that are not needed, or open another connection.")
    }

    static func tooManyDeliveries(byteCount: Int) -> LeveretError {
        LeveretError(
            .tooManyDeliveries, "\(byteCount) bytes of deliveries wait to be taken.",
            advice: "Take deliveries faster, acknowledge them by hand with a smaller prefetch, or consume on a "
                + "connection of its own.")
    }
}

// The broker's own errors.
extension LeveretError {
    static func connectionClosed(_ close: ConnectionClose, duringLogin: Bool) -> LeveretError {
        let isLogin = duringLogin && close.replyCode == ReplyCode.accessRefused.rawValue
        return LeveretError(
            isLogin ? .loginRefused : .connectionClosedByServer,
            isLogin ? "The broker refused the login." : "The broker closed the connection.",
            advice: isLogin ? "Check user and password, and the broker's log." : advice(for: close.replyCode),
            replyCode: close.replyCode, replyText: close.replyText.description,
            method: methodName(classID: close.classID, methodID: close.methodID))
    }

    static func channelClosed(_ close: ChannelClose) -> LeveretError {
        LeveretError(
            .channelClosedByServer, "The broker closed the channel.",
            advice: advice(for: close.replyCode),
            replyCode: close.replyCode, replyText: close.replyText.description,
            method: methodName(classID: close.classID, methodID: close.methodID))
    }

    private static func methodName(classID: UInt16, methodID: UInt16) -> String? {
        Method.all.first { $0.classID == classID && $0.methodID == methodID }?.name
    }

    private static func advice(for replyCode: UInt16) -> String {
        switch ReplyCode(rawValue: replyCode) {
        case .notFound: "Declare the queue or exchange before using it, in the same virtual host."
        case .accessRefused: "Ask for the permission, or use a name that is not reserved or exclusively used."
        case .resourceLocked: "The queue is exclusive to another connection: choose another name."
        case .preconditionFailed:
            "Use the arguments that the object was declared with, and acknowledge each delivery once."
        case .contentTooLarge: "Send a smaller message."
        case .connectionForced: "The broker is stopping or an operator closed the connection: connect again later."
        case .notAllowed: "Check the virtual host's name and the user's access to it."
        case .notImplemented, .commandInvalid: "The broker does not offer this: use another way."
        case .resourceError, .internalError: "Look into the broker's log."
        default: "Open a new one once the reason is removed."
        }
    }
}
