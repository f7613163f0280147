import AMQPWire

// Permissions: kept and journaled here, followed by every shard as the topology is.
extension ControlPlane {
    /// Sets what a user may do in a virtual host, in the place of what it could do there.
    package func setPermissions(
        _ permissions: Permissions, user: ShortString, virtualHost: ShortString
    ) throws(AdministrationError) {
        let patterns = try PermissionPatterns(permissions)
        try administer { topology throws(AdministrationError) in
            try topology.checkUser(user, in: virtualHost)
            topology.set(patterns, user: user, virtualHost: virtualHost)
        }
    }

    /// From now on the user may do nothing there, not even open the virtual host. Nothing happens where it could not.
    package func clearPermissions(user: ShortString, virtualHost: ShortString) throws(AdministrationError) {
        try administer { topology throws(AdministrationError) in
            try topology.checkUser(user, in: virtualHost)
            guard topology.access.users[user]?.permissions[virtualHost] != nil else { return }
            topology.set(nil, user: user, virtualHost: virtualHost)
        }
    }

    /// What was set, by user and virtual host.
    package var permissions: [UserPermissions] {
        let all = try? withTopology { topology in
            topology.access.users.flatMap { user, access in
                access.permissions.map { UserPermissions(user: user, virtualHost: $0, permissions: $1.permissions) }
            }
        }
        return (all ?? []).sorted { ($0.user, $0.virtualHost) < ($1.user, $1.virtualHost) }
    }

    /// nil where none were set.
    package func permissions(user: ShortString, virtualHost: ShortString) -> Permissions? {
        let found = try? withTopology { $0.access.users[user]?.permissions[virtualHost]?.permissions }
        return found ?? nil
    }

    /// The virtual hosts that a user may open, by name.
    package func virtualHosts(openTo user: ShortString) -> [ShortString] {
        let names = try? withTopology { Array(($0.access.users[user]?.permissions ?? [:]).keys) }
        return (names ?? []).sorted()
    }

    // MARK: Topics

    /// Sets which routing keys a user may use with an exchange of type topic, which need not be there.
    package func setTopicPermissions(
        _ permissions: TopicPermissions, user: ShortString, virtualHost: ShortString, exchange: ShortString
    ) throws(AdministrationError) {
        try administer { topology throws(AdministrationError) in
            try topology.checkUser(user, in: virtualHost)
            try topology.set(permissions, user: user, virtualHost: virtualHost, exchange: exchange)
        }
    }

    /// From now on the user may use every routing key there.
    ///
    /// - Parameter exchange: nil for all of the virtual host.
    package func clearTopicPermissions(
        user: ShortString, virtualHost: ShortString, exchange: ShortString? = nil
    ) throws(AdministrationError) {
        try administer { topology throws(AdministrationError) in
            try topology.checkUser(user, in: virtualHost)
            topology.clearTopicPermissions(user: user, virtualHost: virtualHost, exchange: exchange)
        }
    }

    /// What was set, by user, virtual host and exchange.
    package var topicPermissions: [UserTopicPermissions] {
        let all = try? withTopology { topology in
            topology.access.users.flatMap { user, access in
                access.topics.flatMap { host, exchanges in
                    exchanges.map {
                        UserTopicPermissions(
                            user: user, virtualHost: host, exchange: $0, permissions: $1.permissions)
                    }
                }
            }
        }
        return (all ?? []).sorted {
            ($0.user, $0.virtualHost, $0.exchange) < ($1.user, $1.virtualHost, $1.exchange)
        }
    }
}

extension ControlPlane.Topology {
    func checkUser(_ name: ShortString, in virtualHost: ShortString) throws(AdministrationError) {
        _ = try index(of: virtualHost)
        _ = try user(name)
    }

    /// - Parameter patterns: nil for none any more.
    mutating func set(_ patterns: PermissionPatterns?, user: ShortString, virtualHost: ShortString) {
        journalDefaults()
        access.set(patterns, user: user, virtualHost: virtualHost)
        if let patterns {
            log.journal(.permissionsSet(virtualHost: virtualHost, user: user, patterns.permissions))
            log.announce(.permissionCreated(patterns.permissions, user: user, virtualHost))
        } else {
            log.journal(.permissionsCleared(virtualHost: virtualHost, user: user))
            log.announce(.permissionDeleted(user: user, virtualHost))
        }
        log.append(.permissionsChanged(user: user, virtualHost: virtualHost, patterns))
    }

    mutating func set(
        _ permissions: TopicPermissions, user: ShortString, virtualHost: ShortString, exchange: ShortString
    ) throws(AdministrationError) {
        let patterns = try TopicPatterns(permissions, user: user, virtualHost: virtualHost)
        journalDefaults()
        set(patterns, user: user, virtualHost: virtualHost, exchange: exchange)
        log.journal(
            .access(
                .topicPermissionsSet(virtualHost: virtualHost, user: user, exchange: exchange, permissions)))
        log.announce(.topicPermissionCreated(permissions, user: user, virtualHost, exchange: exchange))
    }

    mutating func clearTopicPermissions(user: ShortString, virtualHost: ShortString, exchange: ShortString?) {
        let exchanges = access.users[user]?.topics[virtualHost] ?? [:]
        for name in exchanges.keys.sorted() where exchange == nil || name == exchange {
            journalDefaults()
            set(nil, user: user, virtualHost: virtualHost, exchange: name)
            log.journal(
                .access(.topicPermissionsCleared(virtualHost: virtualHost, user: user, exchange: name)))
            log.announce(.topicPermissionDeleted(user: user, virtualHost, exchange: name))
        }
    }

    /// Without the journal.
    private mutating func set(
        _ patterns: TopicPatterns?, user: ShortString, virtualHost: ShortString, exchange: ShortString
    ) {
        access.set(patterns, user: user, virtualHost: virtualHost, exchange: exchange)
        log.append(
            .topicPermissionsChanged(user: user, virtualHost: virtualHost, exchange: exchange, patterns))
    }

    /// They end with the virtual host, of which the journal is told.
    mutating func removePermissions(inVirtualHost host: ShortString) {
        for (name, user) in access.users {
            if user.permissions[host] != nil {
                access.set(nil, user: name, virtualHost: host)
                log.announce(.permissionDeleted(user: name, host))
                log.append(.permissionsChanged(user: name, virtualHost: host, nil))
            }
            for exchange in (user.topics[host] ?? [:]).keys {
                set(nil, user: name, virtualHost: host, exchange: exchange)
            }
        }
    }
}
