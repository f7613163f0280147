import AMQPWire
import Routing

/// What a text names: `queue 'q' in vhost '/'` (RabbitMQ: `rabbit_misc:rs/1`).
struct ResourceName: CustomStringConvertible {
    enum Kind: String { case queue, exchange }
    let kind: Kind
    let name: ShortString
    let virtualHost: ShortString

    var description: String { "\(kind.rawValue) '\(name)' in vhost '\(virtualHost)'" }
}

/// Every reply text of the broker, in RabbitMQ 4's words: clients and their tests compare them.
extension ProtocolError {
    // MARK: Frames

    static func invalidFrameEnd(_ marker: UInt8, type: UInt8, payload: UnsafeRawBufferPointer) -> ProtocolError {
        ProtocolError(.frameError, "type \(type), \(snippet(payload)): {invalid_frame_end_marker,\(marker)}")
    }
    /// As above, of a payload that goes on.
    static func invalidFrameEnd(_ marker: UInt8, type: UInt8, firstBytes: UnsafeRawBufferPointer) -> ProtocolError {
        let text = "type \(type), first 16 octets = <<\(shown(firstBytes))>>: {invalid_frame_end_marker,\(marker)}"
        return ProtocolError(.frameError, text)
    }
    static func frameTooLarge(_ byteCount: Int, limit: Int, type: UInt8) -> ProtocolError {
        ProtocolError(.frameError, "type \(type), all octets = <<>>: {frame_too_large,\(byteCount),\(limit)}")
    }
    static func unknownFrame(type: UInt8, payload: UnsafeRawBufferPointer) -> ProtocolError {
        ProtocolError(.frameError, "type \(type), \(snippet(payload)): unknown_frame")
    }
    static func unexpectedFrame(type: UInt8, payload: UnsafeRawBufferPointer) -> ProtocolError {
        ProtocolError(.unexpectedFrame, "type \(type), \(snippet(payload))")
    }
    /// At most 16 bytes of the payload, as Erlang prints a binary: text in quotes, anything else as numbers.
    private static func snippet(_ payload: UnsafeRawBufferPointer) -> String {
        "\(payload.count <= 16 ? "all" : "first 16") octets = <<\(shown(payload))>>"
    }
    private static func shown(_ payload: UnsafeRawBufferPointer) -> String {
        let bytes = payload.prefix(16)
        let isText = !bytes.isEmpty && bytes.allSatisfy { (0x20..<0x7F).contains($0) && $0 != 0x22 && $0 != 0x5C }
        return isText
            ? "\"\(String(decoding: bytes, as: UTF8.self))\"" : bytes.map { String($0) }.joined(separator: ",")
    }
    static let expectedMethod = ProtocolError(
        .unexpectedFrame, "expected method frame, got non method frame instead")
    static let expectedHeader = ProtocolError(
        .unexpectedFrame, "expected content header for class 60, got non content header frame instead")
    static func wrongHeaderClass(_ classID: UInt16) -> ProtocolError {
        ProtocolError(
            .unexpectedFrame, "expected content header for class 60, got one for class \(classID) instead")
    }
    static let expectedBody = ProtocolError(
        .unexpectedFrame, "expected content body, got non content body frame instead")
    static let bodyExceedsSize = ProtocolError(.frameError, "content body frame exceeds remaining content size")
    static func bodySizeTooLarge(_ byteCount: UInt64) -> ProtocolError {
        ProtocolError(
            .frameError, "content body size \(byteCount) exceeds maximum allowed size \(Limit.bodyByteCount)")
    }
    /// A method frame that cannot be read, in RabbitMQ's words where it has any.
    static func malformedMethod(_ error: WireError, _ payload: UnsafeRawBufferPointer) -> ProtocolError {
        guard payload.count >= 4 else { return unknownFrame(type: Frame.method, payload: payload) }
        let classID = UInt16(payload[0]) << 8 | UInt16(payload[1])
        let methodID = UInt16(payload[2]) << 8 | UInt16(payload[3])
        guard error == .truncated || error == .trailingBytes else {
            return malformed(error).blaming(classID, methodID)
        }
        // More than these would be cut off.
        let arguments = payload.dropFirst(4).prefix(ShortString.byteLimit).map { String($0) }.joined(separator: ",")
        return ProtocolError(.frameError, "cannot decode <<\(arguments)>>").blaming(classID, methodID)
    }
    static func malformed(_ error: WireError) -> ProtocolError {
        switch error {
        case .unknownMethod(let classID, let methodID):
            ProtocolError(.notImplemented, "unknown method \(methodID) of class \(classID)")
        case .truncated: ProtocolError(.frameError, "cannot decode: the arguments end too early")
        case .trailingBytes: ProtocolError(.frameError, "cannot decode: bytes behind the last argument")
        case .unknownFieldType(let letter):
            ProtocolError(.frameError, "cannot decode: unknown field type \(letter)")
        case .nestedTooDeep:
            ProtocolError(.frameError, "cannot decode: tables nested deeper than \(FieldTable.depthLimit)")
        case .unknownProperty: ProtocolError(.frameError, "cannot decode: unknown property flags")
        }
    }

    // MARK: Connection

    static func loginRefused(mechanism: String) -> ProtocolError {
        ProtocolError(
            .accessRefused,
            "Login was refused using authentication mechanism \(mechanism). For details see the broker logfile.")
    }
    static func unknownMechanism(_ name: ShortString) -> ProtocolError {
        ProtocolError(.commandInvalid, "unknown authentication mechanism '\(name)'")
    }
    static func invalidResponse(mechanism: String) -> ProtocolError {
        ProtocolError(.syntaxError, "Invalid \(mechanism) response")
    }
    enum Bound { case minimum, maximum }
    static func negotiation(_ field: String, _ value: UInt32, _ bound: Bound, _ limit: UInt32) -> ProtocolError {
        let detail = value == 0 && field == "channel_max" ? " (no limit)" : ""
        let (relation, name) = bound == .minimum ? ("lower", "minimum") : ("higher", "maximum")
        // RabbitMQ blames the method that made the offer.
        return ProtocolError(
            .notAllowed,
            "negotiated \(field) = \(value)\(detail) is \(relation) than the \(name) allowed value (\(limit))"
        ).blaming(ConnectionTune.classID, ConnectionTune.methodID)
    }
    static func noVirtualHost(_ name: ShortString) -> ProtocolError {
        ProtocolError(.notAllowed, "vhost \(name) not found")
    }
    static func connectionLimit(_ limit: Int, _ virtualHost: ShortString, user: ShortString) -> ProtocolError {
        ProtocolError(
            .notAllowed,
            "access to vhost '\(virtualHost)' refused for user '\(user)': connection limit (\(limit)) is reached")
    }
    static func virtualHostDeleted(_ name: ShortString) -> ProtocolError {
        ProtocolError(.connectionForced, "vhost '\(name)' is deleted")
    }
    static func userDeleted(_ name: ShortString) -> ProtocolError {
        ProtocolError(.connectionForced, "user '\(name)' is deleted")
    }
    static func unexpectedMethod(state: String) -> ProtocolError {
        ProtocolError(.channelError, "unexpected method in connection state \(state)")
    }
    static func channelsUsedUp(_ count: Int, _ limit: UInt16) -> ProtocolError {
        ProtocolError(
            .notAllowed, "number of channels opened (\(count)) has reached the negotiated channel_max (\(limit))")
    }
    static let shutdown = ProtocolError(.connectionForced, "broker forced connection closure with reason 'shutdown'")

    // MARK: Channel

    static let secondOpen = ProtocolError(.channelError, "second 'channel.open' seen")
    static let expectedOpen = ProtocolError(.channelError, "expected 'channel.open'")
    static let flowOff = ProtocolError(.notImplemented, "active=false")
    static func cannotSwitch(from current: String, to wanted: String) -> ProtocolError {
        ProtocolError(.preconditionFailed, "cannot switch from \(current) to \(wanted) mode")
    }
    static let partialCommit = ProtocolError(.preconditionFailed, "partial tx completion")
    static let transactionTooLarge = ProtocolError(
        .preconditionFailed, "transaction is larger than \(Limit.transactionByteCount) bytes")
    static let notTransactional = ProtocolError(.preconditionFailed, "channel is not transactional")

    // MARK: Topology

    static func notFound(_ resource: ResourceName) -> ProtocolError {
        ProtocolError(.notFound, "no \(resource)")
    }
    static let noLastQueue = ProtocolError(.notFound, "no previously declared queue")
    static let defaultExchange = ProtocolError(
        .accessRefused, "operation not permitted on the default exchange")
    static func reservedName(_ kind: ResourceName.Kind, _ name: ShortString) -> ProtocolError {
        ProtocolError(.accessRefused, "\(kind.rawValue) name '\(name)' contains reserved prefix 'amq.*'")
    }
    static func systemExchange(_ resource: ResourceName) -> ProtocolError {
        ProtocolError(.accessRefused, "deletion of system \(resource) not allowed")
    }
    static func unknownExchangeType(_ name: ShortString) -> ProtocolError {
        ProtocolError(.preconditionFailed, "unknown exchange type '\(name)'")
    }
    static func unsupportedHashProperty(_ name: String) -> ProtocolError {
        ProtocolError(.preconditionFailed, "Unsupported property: \(name)")
    }
    static func invalidHistoryLength(_ value: FieldValue) -> ProtocolError {
        ProtocolError(
            .preconditionFailed,
            "Invalid argument \(value.erlangTerm), 'x-recent-history-length' must be a positive integer")
    }
    static let invalidCacheSize = ProtocolError(
        .preconditionFailed, "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0")
    static let invalidCacheTTL = ProtocolError(
        .preconditionFailed, "Invalid argument, 'x-cache-ttl' must be an integer greater than 0")
    static let invalidCachePersistence = ProtocolError(
        .preconditionFailed, "Invalid argument, 'x-cache-persistence' must be either 'disk' or 'memory'")
    static let missingDelayedType = ProtocolError(
        .preconditionFailed, "Invalid argument, 'x-delayed-type' must be an existing exchange type")
    static func unusableDelayedType(_ name: ShortString) -> ProtocolError {
        ProtocolError(.preconditionFailed, "Invalid argument, '\(name)' can't be used for 'x-delayed-type'")
    }
    static let hashSourcesExclude = ProtocolError(
        .preconditionFailed, "hash-header and hash-property are mutually exclusive")
    static func weightNoInteger(_ key: ShortString) -> ProtocolError {
        ProtocolError(
            .preconditionFailed, "The binding key must be an integer: \(FieldValue.longString(key.bytes).erlangTerm)")
    }
    static let weightNotPositive = ProtocolError(.preconditionFailed, "The binding key must be greater than 0")
    static func localRandomKey(_ key: ShortString) -> ProtocolError {
        ProtocolError(.preconditionFailed, "Non empty binding '\(key)' key not permitted")
    }
    static let localRandomDestination = ProtocolError(.preconditionFailed, "Destination not found")
    static func localRandomQueueType(_ type: String) -> ProtocolError {
        ProtocolError(.preconditionFailed, "Queue type \(type) not valid for this exchange type")
    }
    static func inUse(_ resource: ResourceName) -> ProtocolError {
        ProtocolError(.preconditionFailed, "\(resource) in use")
    }
    static func notEmpty(_ resource: ResourceName) -> ProtocolError {
        ProtocolError(.preconditionFailed, "\(resource) not empty")
    }
    static func locked(_ resource: ResourceName) -> ProtocolError {
        ProtocolError(
            .resourceLocked,
            "cannot obtain exclusive access to locked \(resource). It could be originally declared on another "
                + "connection or the exclusive property value does not match that of the original declaration.")
    }
    static func queueLimit(_ limit: Int, _ queue: ShortString, _ virtualHost: ShortString) -> ProtocolError {
        ProtocolError(
            .preconditionFailed,
            "cannot declare queue '\(queue)': queue limit in vhost '\(virtualHost)' (\(limit)) is reached")
    }
    static func serverNamed(_ type: QueueType) -> ProtocolError {
        ProtocolError(.preconditionFailed, "Cannot declare a server-named queue for type \(type.moduleName)")
    }
    static func invalidProperty(_ name: String, _ resource: ResourceName) -> ProtocolError {
        ProtocolError(.preconditionFailed, "invalid property '\(name)' for \(resource)")
    }
    static func inequivalent(
        _ key: String, _ resource: ResourceName, received: String, current: String
    ) -> ProtocolError {
        ProtocolError(
            .preconditionFailed,
            "inequivalent arg '\(key)' for \(resource): received \(received) but current is \(current)")
    }
    static func invalidArgument(_ key: ShortString, _ resource: ResourceName, reason: String) -> ProtocolError {
        ProtocolError(.preconditionFailed, "invalid arg '\(key)' for \(resource): \(reason)")
    }
    static func foreignArgument(_ key: ShortString, _ resource: ResourceName, type: QueueType) -> ProtocolError {
        ProtocolError(
            .preconditionFailed, "invalid arg '\(key)' for \(resource) of queue type \(type.moduleName)")
    }
    static func invalidArgumentType(_ key: ShortString, _ resource: ResourceName, type: String) -> ProtocolError {
        ProtocolError(.preconditionFailed, "invalid type '\(type)' for arg '\(key)' in \(resource)")
    }

    static let notANumber = ProtocolError(
        .preconditionFailed, "invalid arguments of a binding: not a number")

    // MARK: Quorum queues

    static func conditionalDelete(_ flag: String, _ resource: ResourceName) -> ProtocolError {
        ProtocolError(
            .notImplemented,
            "cannot delete \(resource). queue.delete operations with \(flag) flag set are not supported by quorum "
                + "queues"
        )
    }
    static func globalQos(_ resource: ResourceName) -> ProtocolError {
        ProtocolError(.notImplemented, "\(resource) does not support global qos")
    }
    static func getFromSingleActiveConsumer(_ resource: ResourceName) -> ProtocolError {
        ProtocolError(
            .resourceLocked,
            "cannot obtain access to locked \(resource). basic.get operations are not supported by quorum queues with "
                + "single active consumer")
    }

    // MARK: Basic

    static let immediate = ProtocolError(.notImplemented, "immediate=true")
    static func noExchange(_ name: ShortString, _ virtualHost: ShortString) -> ProtocolError {
        .notFound(ResourceName(kind: .exchange, name: name, virtualHost: virtualHost))
    }
    static func internalExchange(_ resource: ResourceName) -> ProtocolError {
        ProtocolError(.accessRefused, "cannot publish to internal \(resource)")
    }
    static func messageTooLarge(_ byteCount: UInt64, limit: Int) -> ProtocolError {
        ProtocolError(.preconditionFailed, "message size \(byteCount) is larger than configured max size \(limit)")
    }
    static func wrongUserID(_ claimed: String, actual: ShortString) -> ProtocolError {
        ProtocolError(
            .preconditionFailed,
            "user_id property set to '\(claimed)' but authenticated user was '\(actual)'")
    }
    static func invalidExpiration(_ text: String, reason: String) -> ProtocolError {
        ProtocolError(.preconditionFailed, "invalid expiration '\(text)': \(reason)")
    }
    static func unacceptableHeader(_ name: ShortString, type: String) -> ProtocolError {
        ProtocolError(.preconditionFailed, "invalid message: {unacceptable_type_in_header,\"\(name)\",\(type)}")
    }
    static let replyConsumerAcknowledges = ProtocolError(.preconditionFailed, "reply consumer cannot acknowledge")
    static let replyConsumerExists = ProtocolError(.preconditionFailed, "reply consumer already set")
    static let noReplyConsumer = ProtocolError(.preconditionFailed, "fast reply consumer does not exist")
    static func prefetchSize(_ byteCount: UInt32) -> ProtocolError {
        ProtocolError(.notImplemented, "prefetch_size!=0 (\(byteCount))")
    }
    static func consumerTagReused(_ tag: ShortString) -> ProtocolError {
        ProtocolError(.notAllowed, "attempt to reuse consumer tag '\(tag)'")
    }
    static func exclusiveUse(_ resource: ResourceName) -> ProtocolError {
        ProtocolError(.accessRefused, "\(resource) in exclusive use")
    }
    static func consumerTimeout(channel: UInt16, milliseconds: UInt64) -> ProtocolError {
        ProtocolError(
            .preconditionFailed,
            "delivery acknowledgement on channel \(channel) timed out. Timeout value used: \(milliseconds) ms. This "
                + "timeout value can be configured, see consumers doc guide to learn more")
    }
    static func unknownDeliveryTag(_ tag: UInt64) -> ProtocolError {
        ProtocolError(.preconditionFailed, "unknown delivery tag \(tag)")
    }
    static let recoverWithoutRequeue = ProtocolError(.notImplemented, "requeue=false")

    static let noRoute = ShortString("NO_ROUTE" as StaticString)
}

extension ResourceAlarms {
    /// The reason of connection.blocked.
    package var blockedReason: ShortString {
        switch self {
        case .memory: "low on memory"
        case .disk: "low on disk"
        default: "low on memory & disk"
        }
    }
}

extension ShortString {
    fileprivate init(_ text: StaticString) { self.init(stringLiteral: text) }
}
