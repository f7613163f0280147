import AMQPWire

/// What a user may do in a virtual host: a regular expression for each permission, matched anywhere in the names of
/// exchanges and queues. An empty one matches nothing.
package struct Permissions: Hashable, Sendable {
    package let configure: String
    package let write: String
    package let read: String

    package init(configure: String, write: String, read: String) {
        self.configure = configure
        self.write = write
        self.read = read
    }

    /// What the default user begins with, and who makes a virtual host gets there.
    package static let everything = Permissions(configure: ".*", write: ".*", read: ".*")
}

/// Permissions as they were set for a user in a virtual host.
package struct UserPermissions: Hashable, Sendable {
    package let user: ShortString
    package let virtualHost: ShortString
    package let permissions: Permissions
}

// As a table: what the journal keeps.
extension Permissions {
    package var table: FieldTable {
        ["configure": .string(configure), "write": .string(write), "read": .string(read)]
    }

    /// nil where the table is not one of `table`'s.
    init?(_ table: FieldTable) {
        guard let configure = table["configure"]?.text, let write = table["write"]?.text,
            let read = table["read"]?.text
        else { return nil }
        self.init(configure: configure, write: write, read: read)
    }
}

/// One of the three, by its name in the reply texts.
enum Permission: String {
    case configure, write, read
}

/// Permissions, ready to be matched.
struct PermissionPatterns: Sendable {
    let permissions: Permissions
    private let configure: NamePattern
    private let write: NamePattern
    private let read: NamePattern

    /// - Throws: `AdministrationError` with the reason, when one of them is no regular expression.
    init(_ permissions: Permissions) throws(AdministrationError) {
        self.permissions = permissions
        configure = try NamePattern(permission: permissions.configure)
        write = try NamePattern(permission: permissions.write)
        read = try NamePattern(permission: permissions.read)
    }

    /// Whether there is no name that one of them does not match.
    var allowEverything: Bool { configure.isEverything && write.isEverything && read.isEverything }

    func allow(_ permission: Permission, _ name: ShortString) -> Bool {
        switch permission {
        case .configure: configure.matches(name)
        case .write: write.matches(name)
        case .read: read.matches(name)
        }
    }
}

extension NamePattern {
    /// For a policy, an empty pattern is in every name; for a permission, in none.
    init(permission text: String) throws(AdministrationError) {
        try Self.checkLength(text)
        try self.init(text.isEmpty ? "^$" : text)
    }

    static func checkLength(_ text: String) throws(AdministrationError) {
        guard text.utf8.count <= Limit.patternByteCount else {
            throw .invalid("the pattern is longer than \(Limit.patternByteCount) bytes")
        }
    }
}
