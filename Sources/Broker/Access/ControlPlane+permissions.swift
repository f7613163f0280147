import AMQPWire

// Permissions: kept and journaled here, followed by every shard as the topology is.
extension ControlPlane {
    /// Sets what a user may do in a virtual host. What it could do before anything was set, in whatever virtual host,
    /// ends with that.
    package func setPermissions(
        _ permissions: Permissions, user: ShortString, virtualHost: ShortString
    ) throws(AdministrationError) {
        if user.isEmpty { throw .invalid("permissions are a user's") }
        let patterns = try PermissionPatterns(permissions)
        try administer { topology throws(AdministrationError) in
            _ = try topology.index(of: virtualHost)
            topology.set(patterns, user: user, virtualHost: virtualHost)
        }
    }

    /// From now on the user may do nothing there, not even open the virtual host.
    package func clearPermissions(user: ShortString, virtualHost: ShortString) throws(AdministrationError) {
        if user.isEmpty { throw .invalid("permissions are a user's") }
        try administer { topology throws(AdministrationError) in
            _ = try topology.index(of: virtualHost)
            topology.set(nil, user: user, virtualHost: virtualHost)
        }
    }

    /// What was set, by user and virtual host. Users for whom nothing ever was are not among them.
    package var permissions: [UserPermissions] {
        let all = try? withTopology { topology in
            topology.access.users.flatMap { user, hosts in
                hosts.map { UserPermissions(user: user, virtualHost: $0, permissions: $1.permissions) }
            }
        }
        return (all ?? []).sorted { ($0.user, $0.virtualHost) < ($1.user, $1.virtualHost) }
    }
}

extension ControlPlane.Topology {
    /// - Parameter patterns: nil for none any more.
    mutating func set(_ patterns: PermissionPatterns?, user: ShortString, virtualHost: ShortString) {
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

    /// They end with the virtual host, of which the journal is told.
    mutating func removePermissions(inVirtualHost name: ShortString) {
        for (user, hosts) in access.users where hosts[name] != nil {
            access.set(nil, user: user, virtualHost: name)
            log.announce(.permissionDeleted(user: user, name))
            log.append(.permissionsChanged(user: user, virtualHost: name, nil))
        }
    }

    /// The steps that build the permissions again.
    func writePermissions(to buffer: inout OutboundBuffer) {
        for (user, hosts) in access.users {
            // A user who has nothing is not one of whom nothing was said. No virtual host has this name.
            if hosts.isEmpty { TopologyStep.permissionsCleared(virtualHost: "", user: user).write(to: &buffer) }
            for (host, patterns) in hosts {
                TopologyStep.permissionsSet(virtualHost: host, user: user, patterns.permissions).write(to: &buffer)
            }
        }
    }

    /// Returns those that this version does not understand: nobody has them, rather than everybody everything.
    mutating func recoverPermissions(of durable: DurableTopology) -> [String] {
        var problems: [String] = []
        for (user, hosts) in durable.permissions.sorted(by: { $0.key < $1.key }) {
            set(nil, user: user, virtualHost: "")
            for (host, permissions) in hosts.sorted(by: { $0.key < $1.key }) where virtualHostIndexes[host] != nil {
                do throws(AdministrationError) {
                    set(try PermissionPatterns(permissions), user: user, virtualHost: host)
                } catch {
                    problems.append("permissions of user '\(user)' in vhost '\(host)': \(error)")
                }
            }
        }
        return problems
    }
}
