import AMQPWire
import Routing

/// The exchange types of RabbitMQ and of its plugins that this broker has.
package enum ExchangeType: String, Sendable {
    case direct
    case fanout
    case topic
    case headers
    case consistentHash = "x-consistent-hash"
    case modulusHash = "x-modulus-hash"
    case random = "x-random"
    case localRandom = "x-local-random"
    case recentHistory = "x-recent-history"
    case deduplication = "x-message-deduplication"
    case delayedMessage = "x-delayed-message"

    package init?(_ name: ShortString) { self.init(rawValue: name.description) }

    package var kind: ExchangeKind {
        switch self {
        case .direct: .direct
        case .fanout, .recentHistory, .deduplication: .fanout
        // It routes as the type that its arguments name.
        case .delayedMessage: .fanout
        case .topic: .topic
        case .headers: .headers
        case .consistentHash: .consistentHash
        case .modulusHash: .modulusHash
        // The queues of one node are all local.
        case .random, .localRandom: .random
        }
    }
}

/// What an exchange's type and arguments make of it. Texts are those of RabbitMQ and of the plugins.
struct ExchangeBehaviour: Sendable {
    /// How it routes: of a delayed-message exchange the type that its arguments name.
    let type: ExchangeType
    var hashSource = HashSource.routingKey
    var gate: GateSettings?

    init(_ type: ExchangeType, _ arguments: FieldTable, _ resource: ResourceName) throws(ProtocolError) {
        if type == .delayedMessage {
            self.type = try ExchangeType(delayed: arguments)
            gate = .delay
        } else {
            self.type = type
        }
        switch self.type {
        case .consistentHash: hashSource = try Self.hashSource(arguments, resource)
        case .recentHistory: gate = .history(length: try Self.historyLength(arguments))
        case .deduplication: gate = .deduplication(try DeduplicationSettings(arguments))
        default: break
        }
    }

    /// Of what needs no arguments.
    init(_ type: ExchangeType) { self.type = type }

    /// 20 messages unless told otherwise.
    private static func historyLength(_ arguments: FieldTable) throws(ProtocolError) -> Int {
        guard let value = arguments["x-recent-history-length"] else { return 20 }
        guard let length = value.integer, length > 0 else { throw .invalidHistoryLength(value) }
        return Int(length)
    }

    private static func hashSource(
        _ arguments: FieldTable, _ resource: ResourceName
    ) throws(ProtocolError) -> HashSource {
        func text(_ key: ShortString) throws(ProtocolError) -> [UInt8]? {
            guard let value = arguments[key] else { return nil }
            guard case .longString(let bytes) = value else {
                throw .invalidArgumentType(key, resource, type: value.typeName)
            }
            return bytes
        }
        let header = try text("hash-header")
        let property = try text("hash-property")
        switch (header, property) {
        case (nil, nil): return .routingKey
        case (let header?, nil):
            // No header has a longer name: all messages count as without.
            return .header(ShortString(bytes: Array(header.prefix(ShortString.byteLimit))))
        case (nil, let property?):
            let name = String(decoding: property, as: UTF8.self)
            guard let source = HashSource(property: name) else { throw .unsupportedHashProperty(name) }
            return source
        case (_?, _?): throw .hashSourcesExclude
        }
    }

    /// RabbitMQ's `validate_binding`.
    ///
    /// - Parameter queue: the destination, if it is a queue.
    func checkBinding(
        routingKey: ShortString, arguments: FieldTable, queue: QueueRecord?
    ) throws(ProtocolError) {
        switch type {
        case .headers:
            if let reason = RoutingTable.headersArgumentError(arguments) {
                throw ProtocolError(.preconditionFailed, reason)
            }
        case .consistentHash:
            guard let weight = routingKey.bytes.withUnsafeBytes({ BindingWeight($0) }) else {
                throw .weightNoInteger(routingKey)
            }
            if weight.value < 1 { throw .weightNotPositive }
        case .localRandom:
            if !routingKey.isEmpty { throw .localRandomKey(routingKey) }
            guard let queue else { throw .localRandomDestination }
            if queue.arguments["x-queue-type"]?.text == "quorum" {
                throw .localRandomQueueType("rabbit_quorum_queue")
            }
        case .direct, .fanout, .topic, .modulusHash, .random, .recentHistory, .deduplication, .delayedMessage: break
        }
    }
}

extension ExchangeType {
    /// The argument `x-delayed-type`.
    fileprivate init(delayed arguments: FieldTable) throws(ProtocolError) {
        let bytes: [UInt8]
        switch arguments["x-delayed-type"] {
        case .longString(let text), .bytes(let text): bytes = text
        default: throw .missingDelayedType
        }
        let name = ShortString(truncating: String(decoding: bytes, as: UTF8.self))
        if name == "x-delayed-message" { throw .unusableDelayedType(name) }
        guard let type = ExchangeType(name) else { throw .unknownExchangeType(name) }
        // An exchange has one gate.
        if type == .recentHistory || type == .deduplication { throw .unusableDelayedType(name) }
        self = type
    }
}

extension DeduplicationSettings {
    fileprivate init(_ arguments: FieldTable) throws(ProtocolError) {
        guard let size = Self.number(arguments["x-cache-size"]), size > 0 else { throw .invalidCacheSize }
        self.init(size: Int(size))
        if let value = arguments["x-cache-ttl"] {
            guard let ttl = Self.number(value), ttl > 0 else { throw .invalidCacheTTL }
            ttlMilliseconds = UInt64(ttl)
        }
        switch arguments["x-cache-persistence"] {
        case nil: break
        case .longString(let bytes) where bytes == Array("disk".utf8): isPersistent = true
        case .longString(let bytes) where bytes == Array("memory".utf8): break
        default: throw .invalidCachePersistence
        }
    }

    /// The plugin takes digits as well.
    private static func number(_ value: FieldValue?) -> Int64? {
        value?.integer ?? value?.text.flatMap { Int64($0) }
    }
}

extension ExchangeRecord {
    /// The alternate exchange that its own arguments name.
    var declaredAlternate: ShortString? {
        guard case .longString(let bytes)? = arguments["alternate-exchange"], bytes.count <= ShortString.byteLimit
        else {
            // No exchange has a longer name.
            return nil
        }
        return ShortString(bytes: bytes)
    }
}

extension VirtualHostTopology {
    /// A policy names an alternate exchange, or none any more. The exchange's own argument goes before it.
    func setPolicyAlternate(_ alternate: ShortString?, of exchange: ExchangeRecord, changes: inout TopologyLog) {
        guard exchange.declaredAlternate == nil else { return }
        changes.append(.alternateChanged(virtualHost: index, id: exchange.id, alternate: alternate))
    }
}
