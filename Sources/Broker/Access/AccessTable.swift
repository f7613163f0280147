import AMQPWire

/// What users may do: the control plane's, which is the authority, and each shard's copy.
struct AccessTable {
    /// What was set for one user, by virtual host.
    struct User {
        var permissions: [ShortString: PermissionPatterns] = [:]
        /// By exchange.
        var topics: [ShortString: [ShortString: TopicPatterns]] = [:]
        /// May publish in other users' names.
        var isImpersonator = false

        var isEmpty: Bool { permissions.isEmpty && topics.isEmpty && !isImpersonator }
    }

    private(set) var users: [ShortString: User] = [:]

    /// - Parameter patterns: nil for none any more.
    mutating func set(_ patterns: PermissionPatterns?, user: ShortString, virtualHost: ShortString) {
        change(user) { $0.permissions[virtualHost] = patterns }
    }

    /// - Parameter patterns: nil for none any more.
    mutating func set(
        _ patterns: TopicPatterns?, user: ShortString, virtualHost: ShortString, exchange: ShortString
    ) {
        change(user) { user in
            user.topics[virtualHost, default: [:]][exchange] = patterns
            if user.topics[virtualHost]?.isEmpty == true { user.topics[virtualHost] = nil }
        }
    }

    mutating func set(isImpersonator: Bool, user: ShortString) {
        change(user) { $0.isImpersonator = isImpersonator }
    }

    mutating func remove(_ user: ShortString) { users[user] = nil }

    private mutating func change(_ name: ShortString, _ body: (inout User) -> Void) {
        var user = users[name] ?? User()
        body(&user)
        users[name] = user.isEmpty ? nil : user
    }

    func access(of name: ShortString, to virtualHost: ShortString) -> Access {
        guard let user = users[name], let patterns = user.permissions[virtualHost] else {
            return Access(user: name, extent: .nothing)
        }
        return Access(user: name, extent: .granted(patterns), topics: user.topics[virtualHost] ?? [:])
    }

    /// Whether the user may do everything in a virtual host, so that nothing needs to be asked.
    func isUnrestricted(_ name: ShortString, in virtualHost: ShortString) -> Bool {
        guard let user = users[name], user.topics[virtualHost] == nil else { return false }
        return user.permissions[virtualHost]?.allowEverything ?? false
    }

    func isImpersonator(_ name: ShortString) -> Bool { users[name]?.isImpersonator ?? false }

    /// RabbitMQ: who has permissions in a virtual host, whatever they are, may open it.
    func checkEntry(of user: ShortString, to virtualHost: ShortString) throws(ProtocolError) {
        guard users[user]?.permissions[virtualHost] == nil else { return }
        throw .virtualHostRefused(virtualHost, user: user)
    }
}

/// What one user may do in one virtual host, at this moment.
struct Access {
    enum Extent {
        case everything
        case granted(PermissionPatterns)
        case nothing
    }

    let user: ShortString
    let extent: Extent
    /// By exchange. Where there are none for an exchange, every routing key is allowed.
    var topics: [ShortString: TopicPatterns] = [:]

    /// Of whom nothing is kept from, and of the broker itself.
    static let everything = Access(user: "", extent: .everything)

    func allows(_ permission: Permission, _ resource: ResourceName) -> Bool {
        switch extent {
        case .everything: true
        case .granted(let patterns): patterns.allow(permission, resource.nameForAccess)
        case .nothing: false
        }
    }

    /// - Throws: 403 in RabbitMQ's words (`rabbit_access_control`).
    func check(_ permission: Permission, _ resource: ResourceName) throws(ProtocolError) {
        if !allows(permission, resource) { throw .refused(permission, resource, user: user) }
    }

    /// For passive declares, which tell no more than that something exists: any permission will do.
    func checkAny(_ resource: ResourceName) throws(ProtocolError) {
        if allows(.write, resource) || allows(.read, resource) { return }
        try check(.configure, resource)
    }

    /// What it takes to make a queue or an exchange hand messages on to another exchange.
    func checkForwarding(from resource: ResourceName, to exchange: FieldValue?) throws(ProtocolError) {
        guard let text = exchange?.text else { return }
        try check(.read, resource)
        let name = ShortString(truncating: text)
        try check(.write, ResourceName(kind: .exchange, name: name, virtualHost: resource.virtualHost))
    }

    /// A routing key at an exchange of type topic, for publishing (write) and binding (read).
    func checkTopic(_ permission: Permission, _ exchange: ResourceName, key: ShortString) throws(ProtocolError) {
        guard let patterns = topics[exchange.name], !patterns.allow(permission, key) else { return }
        throw .topicRefused(permission, exchange, key: key, user: user)
    }
}

extension ResourceName {
    /// The default exchange has a name where it is about permissions.
    fileprivate var nameForAccess: ShortString { kind == .exchange && name.isEmpty ? "amq.default" : name }
}

extension ProtocolError {
    static func virtualHostRefused(_ name: ShortString, user: ShortString) -> ProtocolError {
        ProtocolError(.notAllowed, "access to vhost '\(name)' refused for user '\(user)'")
    }

    fileprivate static func refused(
        _ permission: Permission, _ resource: ResourceName, user: ShortString
    ) -> ProtocolError {
        let named = ResourceName(
            kind: resource.kind, name: resource.nameForAccess, virtualHost: resource.virtualHost)
        return ProtocolError(.accessRefused, "\(permission.rawValue) access to \(named) refused for user '\(user)'")
    }

    fileprivate static func topicRefused(
        _ permission: Permission, _ exchange: ResourceName, key: ShortString, user: ShortString
    ) -> ProtocolError {
        ProtocolError(
            .accessRefused,
            "\(permission.rawValue) access to topic '\(key)' in exchange '\(exchange.name)' in vhost "
                + "'\(exchange.virtualHost)' refused for user '\(user)'")
    }
}
