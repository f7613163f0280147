import AMQPWire

// Users: kept and journaled here. Shards hear of what is asked while messages flow.
extension ControlPlane {
    /// By name.
    package var users: [UserRecord] {
        let users = try? withTopology { Array($0.users.values) }
        return (users ?? []).sorted { $0.name < $1.name }
    }

    package func user(named name: ShortString) -> UserRecord? {
        let user = try? withTopology { $0.users[name] }
        return user ?? nil
    }

    /// Makes a user, or changes the one with this name, whose limits stay where the record has none. Returns whether it
    /// is new. What it may do in virtual hosts is set apart.
    @discardableResult
    package func putUser(_ user: UserRecord) throws(AdministrationError) -> Bool {
        try administer { topology throws(AdministrationError) in
            var user = user
            let old = topology.users[user.name]
            for limit in UserLimit.allCases where user.limits[limit] == nil {
                user.limits[limit] = old?.limits[limit]
            }
            try topology.set(user)
            return old == nil
        }
    }

    /// Changes a user in one step, whoever else does at the same time.
    package func changeUser(
        _ name: ShortString, _ body: (inout UserRecord) -> Void
    ) throws(AdministrationError) {
        try administer { topology throws(AdministrationError) in
            var user = try topology.user(name)
            body(&user)
            try topology.set(user)
        }
    }

    /// With its permissions. Its connections are closed as the shards learn of it.
    package func deleteUser(_ name: ShortString) throws(AdministrationError) {
        try administer { topology throws(AdministrationError) in
            _ = try topology.user(name)
            topology.removeUser(name)
        }
    }

    /// What `UserRecord.passwordHash` is made of; nil for an algorithm that this node has not.
    package func hash(password: [UInt8], _ hashing: PasswordHashing = .sha256) -> [UInt8]? {
        settings.passwords.hash(password, hashing)
    }

    /// What a new data directory begins with is journaled: later changes of the configuration do not change it.
    package func journalDefaults() { try? withTopology { $0.journalDefaults() } }

    // MARK: Limits

    /// Users that have any.
    package var userLimits: [(user: ShortString, limits: UserLimits)] {
        users.filter { !$0.limits.isEmpty }.map { ($0.name, $0.limits) }
    }

    /// - Parameter value: nil for none any more. Connections that are open already stay.
    package func setUserLimit(
        _ limit: UserLimit, to value: Int?, user: ShortString
    ) throws(AdministrationError) {
        try changeUser(user) { $0.limits[limit] = value }
    }
}

extension ControlPlane.Topology {
    func user(_ name: ShortString) throws(AdministrationError) -> UserRecord {
        guard let user = users[name] else { throw .notFound("user '\(name)' not found") }
        return user
    }

    mutating func set(_ user: UserRecord) throws(AdministrationError) {
        if user.name.isEmpty { throw .invalid("a user needs a name") }
        guard user.tags.count <= Limit.userTags, user.tags.allSatisfy({ $0.utf8.count <= ShortString.byteLimit }),
            user.passwordHash.count <= Limit.passwordHashByteCount
        else { throw .invalid("user '\(user.name)' has too many or too long tags, or too long a password hash") }
        let old = users[user.name]
        guard old != user else { return }
        journalDefaults()
        put(user)
        log.journal(.access(.userSet(user)))
        log.announce(user, was: old)
    }

    /// Without the journal.
    mutating func put(_ user: UserRecord) {
        users[user.name] = user
        let isImpersonator = user.has(.impersonator)
        guard access.isImpersonator(user.name) != isImpersonator else { return }
        access.set(isImpersonator: isImpersonator, user: user.name)
        log.append(.impersonationChanged(user: user.name, isAllowed: isImpersonator))
    }

    mutating func removeUser(_ name: ShortString) {
        journalDefaults()
        forgetUser(name)
        log.journal(.access(.userRemoved(name)))
        log.announce(.userDeleted(name))
    }

    /// Without the journal.
    mutating func forgetUser(_ name: ShortString) {
        users[name] = nil
        access.remove(name)
        log.append(.userRemoved(name))
    }

    /// What a new data directory begins with is journaled before the first change of it, at the latest: from then on
    /// there is only what the journal has.
    mutating func journalDefaults() {
        guard !hasJournaledUsers, log.isJournaled else { return }
        hasJournaledUsers = true
        if virtualHostIndexes[defaultVirtualHost] != nil { log.journal(.virtualHostAdded(defaultVirtualHost)) }
        forEachUserStep { log.journal($0) }
    }

    /// The steps that build users and what they may do again.
    func forEachUserStep(_ body: (TopologyStep) -> Void) {
        // That there are users to be known is said also where all have been deleted. No user has this name.
        if users.isEmpty { body(.access(.userRemoved(""))) }
        for user in users.values { body(.access(.userSet(user))) }
        for (name, user) in access.users {
            for (host, patterns) in user.permissions {
                body(.permissionsSet(virtualHost: host, user: name, patterns.permissions))
            }
            for (host, exchanges) in user.topics {
                for (exchange, patterns) in exchanges {
                    body(
                        .access(
                            .topicPermissionsSet(
                                virtualHost: host, user: name, exchange: exchange, patterns.permissions)))
                }
            }
        }
    }
}

extension ControlPlane.Topology {
    /// What the configuration says a new data directory begins with; it is there until the journal tells otherwise.
    mutating func addDefaultUser(_ settings: AccessSettings) {
        guard let name = ShortString(settings.defaultUser.name), !name.isEmpty else { return }
        var user = UserRecord(name: name)
        user.tags = settings.defaultUser.tags
        user.passwordHash = settings.passwords.hash(Array(settings.defaultUser.password.utf8)) ?? []
        put(user)
        guard let patterns = try? PermissionPatterns(settings.defaultUser.permissions) else { return }
        access.set(patterns, user: name, virtualHost: defaultVirtualHost)
        log.append(.permissionsChanged(user: name, virtualHost: defaultVirtualHost, patterns))
    }

    /// Before what they may do. The configuration's beginnings go where the journal has others.
    mutating func recoverUsers(of durable: DurableTopology) {
        hasJournaledUsers = durable.hasUsers
        if durable.hasUsers {
            for name in Array(users.keys) { forgetUser(name) }
            if durable.virtualHosts[defaultVirtualHost] == nil { removeVirtualHost(defaultVirtualHost) }
        }
        for user in durable.users.values { put(user) }
    }

    /// What users may do, once virtual hosts are there. Returns what this version does not understand: nobody has it.
    mutating func recoverAccess(of durable: DurableTopology) -> [String] {
        var problems: [String] = []
        for (user, hosts) in durable.permissions where users[user] != nil {
            for (host, permissions) in hosts where virtualHostIndexes[host] != nil {
                do throws(AdministrationError) {
                    set(try PermissionPatterns(permissions), user: user, virtualHost: host)
                } catch {
                    problems.append("permissions of user '\(user)' in vhost '\(host)': \(error)")
                }
            }
        }
        for (user, hosts) in durable.topicPermissions where users[user] != nil {
            for (host, exchanges) in hosts where virtualHostIndexes[host] != nil {
                for (exchange, permissions) in exchanges {
                    do throws(AdministrationError) {
                        try set(permissions, user: user, virtualHost: host, exchange: exchange)
                    } catch {
                        // Nothing set would be everything allowed.
                        set(nil, user: user, virtualHost: host)
                        problems.append("topic permissions of user '\(user)' in vhost '\(host)': \(error)")
                    }
                }
            }
        }
        return problems
    }
}
