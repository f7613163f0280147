import AMQPWire

/// One step of the durable topology, by names: what the journal keeps of declaring, binding and deleting.
///
/// A step is taken again without harm: replay may begin a little before the state it begins with.
package enum TopologyStep: Equatable, Sendable {
    case virtualHostAdded(ShortString)
    case exchangeDeclared(virtualHost: ShortString, DurableExchange)
    case exchangeDeleted(virtualHost: ShortString, name: ShortString)
    case queueDeclared(virtualHost: ShortString, DurableQueue)
    case queueDeleted(virtualHost: ShortString, name: ShortString)
    /// An administrator has stopped its deliveries, or lets them go on.
    case queuePaused(virtualHost: ShortString, name: ShortString, Bool)
    case bound(virtualHost: ShortString, DurableBinding)
    case unbound(virtualHost: ShortString, DurableBinding)
    case policySet(virtualHost: ShortString, isOperator: Bool, Policy)
    case policyCleared(virtualHost: ShortString, isOperator: Bool, name: ShortString)
    case virtualHostChanged(ShortString, VirtualHostMetadata)
    case virtualHostRemoved(ShortString)
    case permissionsSet(virtualHost: ShortString, user: ShortString, Permissions)
    case permissionsCleared(virtualHost: ShortString, user: ShortString)
    case access(AccessStep)
}

package struct DurableExchange: Hashable, Sendable {
    package let name: ShortString
    package let type: ShortString
    package let isAutoDelete: Bool
    package let isInternal: Bool
    package let arguments: FieldTable
    /// The number of its gate, as `DurableQueue` has one; 0 without.
    package var journalNumber: UInt32 = 0
    /// The user who declared it; empty where that was not noted.
    package var creator: ShortString = ""
}

package struct DurableQueue: Hashable, Sendable {
    package let name: ShortString
    /// The queue's number in the journal: no other queue of this data directory ever had it.
    package let journalNumber: UInt32
    package let isAutoDelete: Bool
    package let arguments: FieldTable
    package var isPaused = false
}

package struct DurableBinding: Hashable, Sendable {
    package let source: ShortString
    package let destination: ShortString
    package let isToQueue: Bool
    package let routingKey: ShortString
    package let arguments: FieldTable
}

// As bytes: a number for the kind, then the fields in their order, strings and tables in AMQP's form.
extension TopologyStep {
    private enum Kind: UInt8 {
        case virtualHostAdded = 1
        case exchangeDeclared, exchangeDeleted, queueDeclared, queueDeleted, bound, unbound
        case policySet, policyCleared, virtualHostChanged, virtualHostRemoved
        case permissionsSet, permissionsCleared
        case queuePaused = 64
    }

    package func write(to buffer: inout OutboundBuffer) {
        switch self {
        case .virtualHostAdded(let name): Self.begin(.virtualHostAdded, name, &buffer)
        case .exchangeDeclared(let host, let exchange):
            Self.begin(.exchangeDeclared, host, &buffer)
            buffer.write(exchange.name)
            buffer.write(exchange.type)
            let hasNumber: UInt8 = exchange.journalNumber == 0 ? 0 : 4
            let hasCreator: UInt8 = exchange.creator.isEmpty ? 0 : 8
            buffer.write(
                UInt8(exchange.isAutoDelete ? 1 : 0) | UInt8(exchange.isInternal ? 2 : 0) | hasNumber | hasCreator)
            buffer.write(exchange.arguments)
            if hasNumber != 0 { buffer.write(exchange.journalNumber) }
            if hasCreator != 0 { buffer.write(exchange.creator) }
        case .exchangeDeleted(let host, let name):
            Self.begin(.exchangeDeleted, host, &buffer)
            buffer.write(name)
        case .queueDeclared(let host, let queue):
            Self.begin(.queueDeclared, host, &buffer)
            buffer.write(queue.name)
            buffer.write(queue.journalNumber)
            buffer.write(UInt8(queue.isAutoDelete ? 1 : 0) | UInt8(queue.isPaused ? 2 : 0))
            buffer.write(queue.arguments)
        case .queueDeleted(let host, let name):
            Self.begin(.queueDeleted, host, &buffer)
            buffer.write(name)
        case .queuePaused(let host, let name, let isPaused):
            Self.begin(.queuePaused, host, &buffer)
            buffer.write(name)
            buffer.write(UInt8(isPaused ? 1 : 0))
        case .bound(let host, let binding):
            Self.begin(.bound, host, &buffer)
            binding.write(to: &buffer)
        case .unbound(let host, let binding):
            Self.begin(.unbound, host, &buffer)
            binding.write(to: &buffer)
        case .policySet(let host, let isOperator, let policy):
            Self.begin(.policySet, host, &buffer)
            buffer.write(UInt8(isOperator ? 1 : 0))
            buffer.write(policy.name)
            buffer.write(policy.table)
        case .policyCleared(let host, let isOperator, let name):
            Self.begin(.policyCleared, host, &buffer)
            buffer.write(UInt8(isOperator ? 1 : 0))
            buffer.write(name)
        case .virtualHostChanged(let host, let metadata):
            Self.begin(.virtualHostChanged, host, &buffer)
            buffer.write(metadata.table)
        case .virtualHostRemoved(let host): Self.begin(.virtualHostRemoved, host, &buffer)
        case .permissionsSet(let host, let user, let permissions):
            Self.begin(.permissionsSet, host, &buffer)
            buffer.write(user)
            buffer.write(permissions.table)
        case .permissionsCleared(let host, let user):
            Self.begin(.permissionsCleared, host, &buffer)
            buffer.write(user)
        case .access(let step): step.write(to: &buffer)
        }
    }

    private static func begin(_ kind: Kind, _ host: ShortString, _ buffer: inout OutboundBuffer) {
        buffer.write(kind.rawValue)
        buffer.write(host)
    }

    /// - Throws: `WireError`; an unknown kind is `.truncated`: the bytes are not what this version writes.
    package init(from reader: inout WireReader) throws(WireError) {
        let number = try reader.readUInt8()
        let host = try reader.readShortString()
        if let kind = AccessStep.Kind(rawValue: number) {
            self = .access(try AccessStep(kind, host, from: &reader))
            return
        }
        guard let kind = Kind(rawValue: number) else { throw .truncated }
        switch kind {
        case .virtualHostAdded: self = .virtualHostAdded(host)
        case .exchangeDeclared:
            let name = try reader.readShortString()
            let type = try reader.readShortString()
            let flags = try reader.readUInt8()
            self = .exchangeDeclared(
                virtualHost: host,
                DurableExchange(
                    name: name, type: type, isAutoDelete: flags & 1 != 0, isInternal: flags & 2 != 0,
                    arguments: try reader.readTable(),
                    journalNumber: flags & 4 == 0 ? 0 : try reader.readUInt32(),
                    creator: flags & 8 == 0 ? "" : try reader.readShortString()))
        case .exchangeDeleted: self = .exchangeDeleted(virtualHost: host, name: try reader.readShortString())
        case .queueDeclared:
            let name = try reader.readShortString()
            let number = try reader.readUInt32()
            let flags = try reader.readUInt8()
            self = .queueDeclared(
                virtualHost: host,
                DurableQueue(
                    name: name, journalNumber: number, isAutoDelete: flags & 1 != 0,
                    arguments: try reader.readTable(), isPaused: flags & 2 != 0))
        case .queueDeleted: self = .queueDeleted(virtualHost: host, name: try reader.readShortString())
        case .queuePaused:
            let name = try reader.readShortString()
            self = .queuePaused(virtualHost: host, name: name, try reader.readUInt8() & 1 != 0)
        case .bound: self = .bound(virtualHost: host, try DurableBinding(from: &reader))
        case .unbound: self = .unbound(virtualHost: host, try DurableBinding(from: &reader))
        case .policySet:
            let isOperator = try reader.readUInt8() & 1 != 0
            let name = try reader.readShortString()
            guard let policy = Policy(name: name, table: try reader.readTable()) else { throw .truncated }
            self = .policySet(virtualHost: host, isOperator: isOperator, policy)
        case .policyCleared:
            let isOperator = try reader.readUInt8() & 1 != 0
            self = .policyCleared(virtualHost: host, isOperator: isOperator, name: try reader.readShortString())
        case .virtualHostChanged:
            self = .virtualHostChanged(host, VirtualHostMetadata(try reader.readTable()))
        case .virtualHostRemoved: self = .virtualHostRemoved(host)
        case .permissionsSet:
            let user = try reader.readShortString()
            guard let permissions = Permissions(try reader.readTable()) else { throw .truncated }
            self = .permissionsSet(virtualHost: host, user: user, permissions)
        case .permissionsCleared: self = .permissionsCleared(virtualHost: host, user: try reader.readShortString())
        }
    }
}

extension DurableBinding {
    fileprivate func write(to buffer: inout OutboundBuffer) {
        buffer.write(source)
        buffer.write(destination)
        buffer.write(UInt8(isToQueue ? 1 : 0))
        buffer.write(routingKey)
        buffer.write(arguments)
    }

    fileprivate init(from reader: inout WireReader) throws(WireError) {
        let source = try reader.readShortString()
        let destination = try reader.readShortString()
        let isToQueue = try reader.readUInt8() & 1 != 0
        let routingKey = try reader.readShortString()
        self.init(
            source: source, destination: destination, isToQueue: isToQueue, routingKey: routingKey,
            arguments: try reader.readTable())
    }
}
