import AMQPWire

/// The permissions of all users: the control plane's, which is the authority, and each shard's copy.
///
/// A user for whom nothing was ever set or cleared may do everything: so it is with the users of the configuration.
/// From then on there is only what was set, also when the last of it is cleared.
struct AccessTable {
    /// By user, then by virtual host.
    private(set) var users: [ShortString: [ShortString: PermissionPatterns]] = [:]

    /// Whether everybody may do everything.
    @inline(__always)
    var isEmpty: Bool { users.isEmpty }

    /// - Parameter patterns: nil for none any more.
    mutating func set(_ patterns: PermissionPatterns?, user: ShortString, virtualHost: ShortString) {
        users[user, default: [:]][virtualHost] = patterns
    }

    func access(of user: ShortString, to virtualHost: ShortString) -> Access {
        guard let hosts = users[user] else { return .everything }
        return Access(user: user, extent: hosts[virtualHost].map { .granted($0) } ?? .nothing)
    }

    /// RabbitMQ: who has permissions in a virtual host, whatever they are, may open it.
    func checkEntry(of user: ShortString, to virtualHost: ShortString) throws(ProtocolError) {
        guard let hosts = users[user], hosts[virtualHost] == nil else { return }
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

    /// Of whom nobody has restricted, and of the broker itself.
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
}
