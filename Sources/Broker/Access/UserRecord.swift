import AMQPWire

/// A user as an administrator made it.
package struct UserRecord: Hashable, Sendable {
    package let name: ShortString
    /// Four bytes of salt, then the digest of the salt and the password, as RabbitMQ keeps it. Empty: nobody logs in
    /// with a password.
    package var passwordHash: [UInt8] = []
    package var hashing = PasswordHashing.sha256
    /// What the user may do beyond messaging: `UserTag`s, and any others.
    package var tags: [String] = []
    package var limits = UserLimits()

    package init(name: ShortString) { self.name = name }

    package func has(_ tag: UserTag) -> Bool { tags.contains(tag.rawValue) }
}

extension UserRecord: CustomStringConvertible {
    /// Without the hash: it must not get into a log.
    package var description: String { "user '\(name)' [\(tags.joined(separator: ", "))]" }
}

/// The tags that mean something to the broker.
package enum UserTag: String, Sendable, CaseIterable {
    case administrator, monitoring, policymaker, management
    /// May publish in another user's name.
    case impersonator
}

/// How a password is hashed, by the name in definitions.
package enum PasswordHashing: String, Sendable, CaseIterable {
    case sha256 = "rabbit_password_hashing_sha256"
    case sha512 = "rabbit_password_hashing_sha512"
    /// Of users that came from before RabbitMQ 3.6.
    case md5 = "rabbit_password_hashing_md5"
}

/// What may be limited for a user, by RabbitMQ's names.
package enum UserLimit: String, Sendable, CaseIterable {
    case maxConnections = "max-connections"
    case maxChannels = "max-channels"
}

/// The limits that were set for a user. A negative one limits nothing; zero refuses everything.
package struct UserLimits: Hashable, Sendable {
    package var maxConnections: Int?
    package var maxChannels: Int?

    package init(maxConnections: Int? = nil, maxChannels: Int? = nil) {
        self.maxConnections = maxConnections
        self.maxChannels = maxChannels
    }

    package var isEmpty: Bool { maxConnections == nil && maxChannels == nil }

    package subscript(limit: UserLimit) -> Int? {
        get {
            switch limit {
            case .maxConnections: maxConnections
            case .maxChannels: maxChannels
            }
        }
        set {
            switch limit {
            case .maxConnections: maxConnections = newValue
            case .maxChannels: maxChannels = newValue
            }
        }
    }

    /// By name, what was set only.
    package var table: FieldTable {
        FieldTable(
            UserLimit.allCases.compactMap { limit in
                self[limit].map { .init(name: ShortString(truncating: limit.rawValue), value: .int64(Int64($0))) }
            })
    }
}

// As a table: what the journal keeps, beside the name.
extension UserRecord {
    package var table: FieldTable {
        [
            "password-hash": .longString(passwordHash), "hashing": .string(hashing.rawValue),
            "tags": .array(tags.map { .string($0) }), "limits": .table(limits.table),
        ]
    }

    /// nil where the table is not one of `table`'s.
    init?(name: ShortString, table: FieldTable) {
        guard case .longString(let hash)? = table["password-hash"],
            let hashing = table["hashing"]?.text.flatMap(PasswordHashing.init), case .array(let tags)? = table["tags"],
            case .table(let limits)? = table["limits"]
        else { return nil }
        self.name = name
        passwordHash = hash
        self.hashing = hashing
        self.tags = tags.compactMap(\.text)
        for limit in UserLimit.allCases {
            self.limits[limit] = limits[ShortString(truncating: limit.rawValue)]?.integer.map { Int($0) }
        }
    }
}
