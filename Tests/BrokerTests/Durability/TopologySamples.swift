import AMQPWire

@testable import Broker

/// Random durable things for tests of the topology's steps.
struct TopologySamples {
    var random: SeededRandom

    init(seed: UInt64) { random = seededRandom(seed) }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    /// Few, so that steps meet each other; of all lengths, and not always text.
    mutating func name(_ prefix: String) -> ShortString {
        switch below(20) {
        case 0: ShortString(bytes: [UInt8](repeating: 0xFF, count: 255))
        case 1: ShortString(bytes: [0, 10, 13])
        default: ShortString(truncating: "\(prefix)\(below(3))")
        }
    }

    mutating func value(depth: Int = 0) -> FieldValue {
        let number = random.next()
        let text = (0..<below(5)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        switch below(depth < 3 ? 17 : 15) {
        case 0: return .bool(number & 1 != 0)
        case 1: return .int8(Int8(truncatingIfNeeded: number))
        case 2: return .uint8(UInt8(truncatingIfNeeded: number))
        case 3: return .int16(Int16(truncatingIfNeeded: number))
        case 4: return .uint16(UInt16(truncatingIfNeeded: number))
        case 5: return .int32(Int32(truncatingIfNeeded: number))
        case 6: return .uint32(UInt32(truncatingIfNeeded: number))
        case 7: return .int64(Int64(truncatingIfNeeded: number))
        case 8: return .float(Float(number >> 40))
        case 9: return .double(-Double(number >> 20))
        case 10: return .decimal(scale: UInt8(truncatingIfNeeded: number), value: UInt32(truncatingIfNeeded: number))
        case 11: return .longString(text)
        case 12: return .timestamp(number)
        case 13: return .void
        case 14: return .bytes(text)
        case 15: return .array((0..<below(4)).map { _ in value(depth: depth + 1) })
        default: return .table(table(depth: depth + 1))
        }
    }

    mutating func table(depth: Int = 0) -> FieldTable {
        FieldTable((0..<below(4)).map { _ in .init(name: name("key"), value: value(depth: depth)) })
    }

    mutating func binding() -> DurableBinding {
        let isToQueue = below(2) == 0
        return DurableBinding(
            source: below(3) == 0 ? "amq.topic" : name("e"), destination: name(isToQueue ? "q" : "e"),
            isToQueue: isToQueue, routingKey: name("k"), arguments: below(4) == 0 ? table() : FieldTable())
    }

    mutating func policy() -> Policy {
        Policy(
            name: name("p"), pattern: "^\(below(10))", target: Policy.Target.allCases[below(6)],
            priority: Int64(below(5)), definition: table())
    }

    mutating func metadata() -> VirtualHostMetadata {
        var metadata = VirtualHostMetadata()
        if below(2) == 0 { metadata.description = "d\(below(3))" }
        if below(2) == 0 { metadata.tags = (0..<below(3)).map { "t\($0)" } }
        if below(2) == 0 { metadata.defaultQueueType = below(2) == 0 ? .classic : .quorum }
        metadata.isTracing = below(2) == 0
        if below(2) == 0 { metadata.maxConnections = below(100) }
        if below(2) == 0 { metadata.maxQueues = below(100) }
        return metadata
    }

    mutating func user() -> UserRecord {
        var user = UserRecord(name: name("u"))
        user.passwordHash = (0..<below(4) * 12).map { UInt8($0) }
        user.hashing = PasswordHashing.allCases[below(3)]
        user.tags = (0..<below(3)).map { "t\($0)" }
        if below(3) == 0 { user.limits.maxConnections = below(3) - 1 }
        if below(3) == 0 { user.limits.maxChannels = below(100) }
        return user
    }

    mutating func accessStep(_ host: ShortString) -> AccessStep {
        let parameter = ParameterName(component: name("c"), name: name("p"))
        switch below(8) {
        case 0: return .userSet(user())
        case 1: return .userRemoved(name("u"))
        case 2:
            return .topicPermissionsSet(
                virtualHost: host, user: name("u"), exchange: name("e"),
                TopicPermissions(write: "^w\(below(3))", read: ""))
        case 3: return .topicPermissionsCleared(virtualHost: host, user: name("u"), exchange: name("e"))
        case 4: return .parameterSet(virtualHost: host, parameter, value())
        case 5: return .parameterCleared(virtualHost: host, parameter)
        case 6: return .globalParameterSet(name: name("p"), value())
        default: return .globalParameterCleared(name: name("p"))
        }
    }

    mutating func step() -> TopologyStep {
        let host = name("v")
        switch below(18) {
        case 0: return .virtualHostAdded(host)
        case 14...17: return .access(accessStep(host))
        case 11:
            return .permissionsSet(
                virtualHost: host, user: name("u"),
                Permissions(configure: "^c\(below(3))", write: "", read: "r\(below(3))"))
        case 12: return .permissionsCleared(virtualHost: host, user: name("u"))
        case 7: return .virtualHostRemoved(host)
        case 8: return .virtualHostChanged(host, metadata())
        case 9: return .policySet(virtualHost: host, isOperator: below(2) == 0, policy())
        case 10: return .policyCleared(virtualHost: host, isOperator: below(2) == 0, name: name("p"))
        case 1:
            return .exchangeDeclared(
                virtualHost: host,
                DurableExchange(
                    name: name("e"), type: name("type"), isAutoDelete: below(2) == 0, isInternal: below(2) == 0,
                    arguments: table(), journalNumber: below(2) == 0 ? 0 : UInt32(below(1 << 31)),
                    creator: below(2) == 0 ? "" : name("u")))
        case 2: return .exchangeDeleted(virtualHost: host, name: name("e"))
        case 3:
            return .queueDeclared(
                virtualHost: host,
                DurableQueue(
                    name: name("q"), journalNumber: UInt32(below(1 << 31)), isAutoDelete: below(2) == 0,
                    arguments: table(), isPaused: below(2) == 0))
        case 17: return .queuePaused(virtualHost: host, name: name("q"), below(2) == 0)
        case 4: return .queueDeleted(virtualHost: host, name: name("q"))
        case 5: return .bound(virtualHost: host, binding())
        default: return .unbound(virtualHost: host, binding())
        }
    }
}
