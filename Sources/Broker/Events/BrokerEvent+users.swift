import AMQPWire

// What happens to users.
extension BrokerEvent {
    static func userCreated(_ name: ShortString) -> BrokerEvent {
        BrokerEvent("user.created", ["name": text(name)])
    }

    static func userDeleted(_ name: ShortString) -> BrokerEvent {
        BrokerEvent("user.deleted", ["name": text(name)])
    }

    static func userPasswordChanged(_ name: ShortString) -> BrokerEvent {
        BrokerEvent("user.password.changed", ["name": text(name)])
    }

    static func userPasswordCleared(_ name: ShortString) -> BrokerEvent {
        BrokerEvent("user.password.cleared", ["name": text(name)])
    }

    static func userTagsSet(_ user: UserRecord) -> BrokerEvent {
        BrokerEvent(
            "user.tags.set", ["name": text(user.name), "tags": .array(user.tags.map { .string($0) })])
    }

    /// Without any limit it is `user.limits.cleared`.
    static func userLimits(_ user: UserRecord) -> BrokerEvent {
        var headers = user.limits.table
        headers["name"] = .string("limits")
        headers["username"] = text(user.name)
        return BrokerEvent(user.limits.isEmpty ? "user.limits.cleared" : "user.limits.set", headers)
    }

    static func topicPermissionCreated(
        _ permissions: TopicPermissions, user: ShortString, _ virtualHost: ShortString, exchange: ShortString
    ) -> BrokerEvent {
        var headers = permissions.table
        headers["user"] = text(user)
        headers["vhost"] = text(virtualHost)
        headers["exchange"] = text(exchange)
        return BrokerEvent("topic.permission.created", headers)
    }

    static func topicPermissionDeleted(
        user: ShortString, _ virtualHost: ShortString, exchange: ShortString
    ) -> BrokerEvent {
        BrokerEvent(
            "topic.permission.deleted",
            ["user": text(user), "vhost": text(virtualHost), "exchange": text(exchange)])
    }
}

extension TopologyLog {
    /// What of a user has changed.
    mutating func announce(_ user: UserRecord, was old: UserRecord?) {
        guard listeningHost != nil else { return }
        if let old {
            if user.passwordHash != old.passwordHash {
                announce(
                    user.passwordHash.isEmpty ? .userPasswordCleared(user.name) : .userPasswordChanged(user.name))
            }
        } else {
            announce(.userCreated(user.name))
        }
        if user.tags != old?.tags ?? [] { announce(.userTagsSet(user)) }
        if user.limits != old?.limits ?? UserLimits() { announce(.userLimits(user)) }
    }
}
