import AMQPWire
import Testing

@testable import Broker

/// Users, topic permissions and parameters as lists: see `NaiveTopology`.
struct NaiveAccess {
    struct Topic {
        let user: ShortString
        let host: ShortString
        let exchange: ShortString
        let permissions: TopicPermissions
    }

    struct Parameter {
        let host: ShortString
        let name: ParameterName
        let value: FieldValue
    }

    private(set) var hasUsers = false
    private(set) var users: [UserRecord] = []
    private(set) var topics: [Topic] = []
    private(set) var parameters: [Parameter] = []
    private(set) var globals: [(name: ShortString, value: FieldValue)] = []

    /// A step of this kind in a virtual host that is there; nil when nothing would come of it.
    func wish(_ step: AccessStep, _ host: ShortString) -> AccessStep? {
        switch step {
        case .userSet, .globalParameterSet: step
        case .userRemoved(let name): users.contains { $0.name == name } ? step : nil
        case .topicPermissionsSet(_, let user, let exchange, let permissions):
            .topicPermissionsSet(virtualHost: host, user: user, exchange: exchange, permissions)
        case .topicPermissionsCleared(_, let user, let exchange):
            .topicPermissionsCleared(virtualHost: host, user: user, exchange: exchange)
        case .parameterSet(_, let name, let value): .parameterSet(virtualHost: host, name, value)
        case .parameterCleared(_, let name): .parameterCleared(virtualHost: host, name)
        case .globalParameterCleared(let name): globals.contains { $0.name == name } ? step : nil
        }
    }

    mutating func apply(_ step: AccessStep) {
        switch step {
        case .userSet(let user):
            hasUsers = true
            users.removeAll { $0.name == user.name }
            users.append(user)
        case .userRemoved(let name):
            hasUsers = true
            users.removeAll { $0.name == name }
            topics.removeAll { $0.user == name }
        case .topicPermissionsSet(let host, let user, let exchange, let permissions):
            apply(.topicPermissionsCleared(virtualHost: host, user: user, exchange: exchange))
            topics.append(Topic(user: user, host: host, exchange: exchange, permissions: permissions))
        case .topicPermissionsCleared(let host, let user, let exchange):
            topics.removeAll { $0.user == user && $0.host == host && $0.exchange == exchange }
        case .parameterSet(let host, let name, let value):
            apply(.parameterCleared(virtualHost: host, name))
            parameters.append(Parameter(host: host, name: name, value: value))
        case .parameterCleared(let host, let name):
            parameters.removeAll { $0.host == host && $0.name == name }
        case .globalParameterSet(let name, let value):
            apply(.globalParameterCleared(name: name))
            globals.append((name, value))
        case .globalParameterCleared(let name): globals.removeAll { $0.name == name }
        }
    }

    mutating func removeVirtualHost(_ name: ShortString) {
        topics.removeAll { $0.host == name }
        parameters.removeAll { $0.host == name }
    }

    /// As a checkpoint holds it.
    var steps: [AccessStep] {
        var steps: [AccessStep] = hasUsers && users.isEmpty ? [.userRemoved("")] : []
        steps += users.map { .userSet($0) }
        steps += topics.map {
            .topicPermissionsSet(virtualHost: $0.host, user: $0.user, exchange: $0.exchange, $0.permissions)
        }
        steps += parameters.map { .parameterSet(virtualHost: $0.host, $0.name, $0.value) }
        steps += globals.map { .globalParameterSet(name: $0.name, $0.value) }
        return steps
    }
}

func expectSame(_ durable: DurableTopology, _ model: NaiveAccess, sourceLocation: SourceLocation) {
    #expect(durable.hasUsers == model.hasUsers, sourceLocation: sourceLocation)
    #expect(Set(durable.users.values) == Set(model.users), sourceLocation: sourceLocation)
    var topics: [ShortString: [ShortString: [ShortString: TopicPermissions]]] = [:]
    for topic in model.topics {
        topics[topic.user, default: [:]][topic.host, default: [:]][topic.exchange] = topic.permissions
    }
    #expect(durable.topicPermissions == topics, sourceLocation: sourceLocation)
    var parameters: [ShortString: [ParameterName: FieldValue]] = [:]
    for parameter in model.parameters { parameters[parameter.host, default: [:]][parameter.name] = parameter.value }
    #expect(durable.parameters == parameters, sourceLocation: sourceLocation)
    let globals = Dictionary(uniqueKeysWithValues: model.globals.map { ($0.name, $0.value) })
    #expect(durable.globalParameters == globals, sourceLocation: sourceLocation)
}
