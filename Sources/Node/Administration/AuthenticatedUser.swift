import AMQPWire

/// Somebody who has logged in to an administrative interface.
package struct AuthenticatedUser: Sendable, Equatable {
    package let name: ShortString
    /// Management tags, such as `administrator`.
    package let tags: [String]

    package init(name: ShortString, tags: [String]) {
        self.name = name
        self.tags = tags
    }

    /// Whoever uses what is open to everybody.
    package static let nobody = AuthenticatedUser(name: "", tags: [])

    // The tags include each other, as in RabbitMQ.
    package var isAdministrator: Bool { tags.contains("administrator") }
    package var isMonitor: Bool { isAdministrator || tags.contains("monitoring") }
    package var isPolicymaker: Bool { isAdministrator || tags.contains("policymaker") }
    package var isManagementUser: Bool { isMonitor || isPolicymaker || tags.contains("management") }
}
