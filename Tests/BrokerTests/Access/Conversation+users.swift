import AMQPWire
import Broker
import Testing

extension Conversation {
    /// A user with its name as its password.
    func addUser(
        _ name: String, tags: [UserTag] = [], limits: UserLimits = UserLimits(),
        permissions: Permissions? = .everything, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var user = UserRecord(name: ShortString(truncating: name))
        user.passwordHash = controlPlane.hash(password: Array(name.utf8)) ?? []
        user.tags = tags.map(\.rawValue)
        user.limits = limits
        administer(sourceLocation) { controlPlane throws(AdministrationError) in
            try controlPlane.putUser(user)
            if let permissions {
                try controlPlane.setPermissions(permissions, user: user.name, virtualHost: "/")
            }
        }
    }

    /// Something that an administrator does, and is not refused.
    func administer(
        _ sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (ControlPlane) throws(AdministrationError) -> Void
    ) {
        #expect(throws: Never.self, sourceLocation: sourceLocation) { try body(controlPlane) }
    }
}
