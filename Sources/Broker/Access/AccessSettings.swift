import AMQPWire

/// What the configuration says about users.
package struct AccessSettings: Sendable {
    /// The user that a new data directory begins with. Later changes of it mean nothing.
    package var defaultUser = DefaultUser()
    /// Those who may connect over loopback only.
    package var loopbackUsers: Set<String> = ["guest"]
    package var passwords = PasswordFunctions.unhashed

    package struct DefaultUser: Sendable {
        package var name = "guest"
        package var password = "guest"
        package var tags = [UserTag.administrator.rawValue]
        /// In the default virtual host.
        package var permissions = Permissions.everything

        package init() {}
    }

    package init() {}
}

/// What the engine needs of cryptography, and does not import itself.
package struct PasswordFunctions: Sendable {
    /// nil for an algorithm that there is none for.
    package let digest: @Sendable (PasswordHashing, [UInt8]) -> [UInt8]?
    /// Four random bytes.
    let salt: @Sendable () -> [UInt8]

    package init(
        digest: @escaping @Sendable (PasswordHashing, [UInt8]) -> [UInt8]?, salt: @escaping @Sendable () -> [UInt8]
    ) {
        self.digest = digest
        self.salt = salt
    }

    /// For an engine that is driven without a node, by tests and benchmarks: hides nothing.
    package static let unhashed = PasswordFunctions(digest: { $1 }, salt: { [0, 0, 0, 0] })

    /// As RabbitMQ keeps it: salt, then digest. nil for an algorithm that there is none for.
    package func hash(_ password: [UInt8], _ hashing: PasswordHashing = .sha256) -> [UInt8]? {
        let salt = salt()
        return digest(hashing, salt + password).map { salt + $0 }
    }

    /// Whether the password is the user's. It takes the same work when there is no such user, so time tells nobody
    /// which users there are.
    func verify(_ password: [UInt8], of user: UserRecord?) -> Bool {
        let hash = user?.passwordHash ?? []
        let isUsable = hash.count > 4
        let stored = isUsable ? hash : [UInt8](repeating: 0, count: 36)
        guard let computed = digest(user?.hashing ?? .sha256, stored.prefix(4) + password) else { return false }
        return Self.isEqual(computed, stored.dropFirst(4)) && isUsable
    }

    /// In a time that depends on nothing but the lengths.
    private static func isEqual(_ left: [UInt8], _ right: ArraySlice<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for (one, other) in zip(left, right) { difference |= one ^ other }
        return difference == 0
    }
}
