import AMQPWire

extension DurableTopology {
    /// Takes a step about users and parameters.
    mutating func apply(_ step: AccessStep) {
        switch step {
        case .userSet(let user):
            hasUsers = true
            users[user.name] = user
        case .userRemoved(let name):
            hasUsers = true
            users[name] = nil
            permissions[name] = nil
            topicPermissions[name] = nil
        case .topicPermissionsSet(let host, let user, let exchange, let set):
            topicPermissions[user, default: [:]][host, default: [:]][exchange] = set
        case .topicPermissionsCleared(let host, let user, let exchange):
            topicPermissions[user]?[host]?[exchange] = nil
            removeEmptyTopicPermissions(user, host)
        case .parameterSet(let host, let name, let value): parameters[host, default: [:]][name] = value
        case .parameterCleared(let host, let name):
            parameters[host]?[name] = nil
            if parameters[host]?.isEmpty == true { parameters[host] = nil }
        case .globalParameterSet(let name, let value): globalParameters[name] = value
        case .globalParameterCleared(let name): globalParameters[name] = nil
        }
    }

    /// What ends with a virtual host.
    mutating func removeAccess(toVirtualHost host: ShortString) {
        parameters[host] = nil
        for user in permissions.keys { clearPermissions(of: user, in: host) }
        for user in topicPermissions.keys {
            topicPermissions[user]?[host] = nil
            removeEmptyTopicPermissions(user, host)
        }
    }

    mutating func clearPermissions(of user: ShortString, in host: ShortString) {
        permissions[user]?[host] = nil
        if permissions[user]?.isEmpty == true { permissions[user] = nil }
    }

    private mutating func removeEmptyTopicPermissions(_ user: ShortString, _ host: ShortString) {
        if topicPermissions[user]?[host]?.isEmpty == true { topicPermissions[user]?[host] = nil }
        if topicPermissions[user]?.isEmpty == true { topicPermissions[user] = nil }
    }
}
