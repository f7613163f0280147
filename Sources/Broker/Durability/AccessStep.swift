import AMQPWire

/// A step about users and parameters, beside those about the topology: see `TopologyStep`.
package enum AccessStep: Equatable, Sendable {
    case userSet(UserRecord)
    /// With all that it was allowed.
    case userRemoved(ShortString)
    case topicPermissionsSet(
        virtualHost: ShortString, user: ShortString, exchange: ShortString, TopicPermissions)
    case topicPermissionsCleared(virtualHost: ShortString, user: ShortString, exchange: ShortString)
    case parameterSet(virtualHost: ShortString, ParameterName, FieldValue)
    case parameterCleared(virtualHost: ShortString, ParameterName)
    case globalParameterSet(name: ShortString, FieldValue)
    case globalParameterCleared(name: ShortString)
}

// As bytes: like `TopologyStep`, with numbers for the kinds that it leaves free. The first name stands where the
// virtual host of a topology's step does.
extension AccessStep {
    enum Kind: UInt8 {
        case userSet = 32
        case userRemoved, topicPermissionsSet, topicPermissionsCleared, parameterSet, parameterCleared
        case globalParameterSet, globalParameterCleared
    }

    func write(to buffer: inout OutboundBuffer) {
        switch self {
        case .userSet(let user):
            Self.begin(.userSet, user.name, &buffer)
            buffer.write(user.table)
        case .userRemoved(let name): Self.begin(.userRemoved, name, &buffer)
        case .topicPermissionsSet(let host, let user, let exchange, let permissions):
            Self.begin(.topicPermissionsSet, host, &buffer)
            buffer.write(user)
            buffer.write(exchange)
            buffer.write(permissions.table)
        case .topicPermissionsCleared(let host, let user, let exchange):
            Self.begin(.topicPermissionsCleared, host, &buffer)
            buffer.write(user)
            buffer.write(exchange)
        case .parameterSet(let host, let name, let value):
            Self.begin(.parameterSet, host, &buffer)
            buffer.write(name.component)
            buffer.write(name.name)
            buffer.write(["value": value] as FieldTable)
        case .parameterCleared(let host, let name):
            Self.begin(.parameterCleared, host, &buffer)
            buffer.write(name.component)
            buffer.write(name.name)
        case .globalParameterSet(let name, let value):
            Self.begin(.globalParameterSet, name, &buffer)
            buffer.write(["value": value] as FieldTable)
        case .globalParameterCleared(let name): Self.begin(.globalParameterCleared, name, &buffer)
        }
    }

    private static func begin(_ kind: Kind, _ name: ShortString, _ buffer: inout OutboundBuffer) {
        buffer.write(kind.rawValue)
        buffer.write(name)
    }

    /// What follows the kind and the first name.
    init(_ kind: Kind, _ first: ShortString, from reader: inout WireReader) throws(WireError) {
        switch kind {
        case .userSet:
            guard let user = UserRecord(name: first, table: try reader.readTable()) else { throw .truncated }
            self = .userSet(user)
        case .userRemoved: self = .userRemoved(first)
        case .topicPermissionsSet:
            let user = try reader.readShortString()
            let exchange = try reader.readShortString()
            guard let permissions = TopicPermissions(try reader.readTable()) else { throw .truncated }
            self = .topicPermissionsSet(virtualHost: first, user: user, exchange: exchange, permissions)
        case .topicPermissionsCleared:
            let user = try reader.readShortString()
            self = .topicPermissionsCleared(
                virtualHost: first, user: user, exchange: try reader.readShortString())
        case .parameterSet:
            let name = try Self.parameterName(from: &reader)
            self = .parameterSet(virtualHost: first, name, try Self.value(from: &reader))
        case .parameterCleared:
            self = .parameterCleared(virtualHost: first, try Self.parameterName(from: &reader))
        case .globalParameterSet: self = .globalParameterSet(name: first, try Self.value(from: &reader))
        case .globalParameterCleared: self = .globalParameterCleared(name: first)
        }
    }

    private static func parameterName(from reader: inout WireReader) throws(WireError) -> ParameterName {
        let component = try reader.readShortString()
        return ParameterName(component: component, name: try reader.readShortString())
    }

    private static func value(from reader: inout WireReader) throws(WireError) -> FieldValue {
        guard let value = try reader.readTable()["value"] else { throw .truncated }
        return value
    }
}
