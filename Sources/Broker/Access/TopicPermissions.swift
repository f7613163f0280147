import AMQPWire

/// What a user may publish to a topic exchange, and bind to it: regular expressions that are matched anywhere in
/// routing keys. `{username}` and `{vhost}` stand for the user's name and the virtual host's. An empty one matches
/// nothing.
package struct TopicPermissions: Hashable, Sendable {
    package let write: String
    package let read: String

    package init(write: String, read: String) {
        self.write = write
        self.read = read
    }

    package var table: FieldTable { ["write": .string(write), "read": .string(read)] }

    /// nil where the table is not one of `table`'s.
    init?(_ table: FieldTable) {
        guard let write = table["write"]?.text, let read = table["read"]?.text else { return nil }
        self.init(write: write, read: read)
    }
}

/// Topic permissions as they were set for a user and an exchange.
package struct UserTopicPermissions: Hashable, Sendable {
    package let user: ShortString
    package let virtualHost: ShortString
    package let exchange: ShortString
    package let permissions: TopicPermissions
}

/// Topic permissions, ready to be matched.
struct TopicPatterns: Sendable {
    let permissions: TopicPermissions
    private let write: NamePattern
    private let read: NamePattern

    /// - Throws: `AdministrationError` with the reason, when one of them is no regular expression.
    init(
        _ permissions: TopicPermissions, user: ShortString, virtualHost: ShortString
    ) throws(AdministrationError) {
        self.permissions = permissions
        func pattern(_ text: String) throws(AdministrationError) -> NamePattern {
            try NamePattern.checkLength(text)
            // The names in it may make it longer than an administrator could.
            return try NamePattern(
                text.isEmpty ? "^$" : Self.expanded(text, user: user, virtualHost: virtualHost))
        }
        write = try pattern(permissions.write)
        read = try pattern(permissions.read)
    }

    /// Names stand for themselves, whatever is in them: a user called `.*` is allowed no more than others.
    private static func expanded(_ text: String, user: ShortString, virtualHost: ShortString) -> String {
        var rest = text[...]
        var expanded = ""
        while let character = rest.first {
            if rest.hasPrefix("{username}") {
                expanded += escaped(user)
                rest = rest.dropFirst("{username}".count)
            } else if rest.hasPrefix("{vhost}") {
                expanded += escaped(virtualHost)
                rest = rest.dropFirst("{vhost}".count)
            } else {
                expanded.append(character)
                rest.removeFirst()
            }
        }
        return expanded
    }

    private static func escaped(_ name: ShortString) -> String {
        var escaped = ""
        for character in name.description.unicodeScalars {
            if #"\^$.|?*+()[]{}"#.unicodeScalars.contains(character) { escaped += "\\" }
            escaped.unicodeScalars.append(character)
        }
        return escaped
    }

    func allow(_ permission: Permission, _ key: ShortString) -> Bool {
        permission == .write ? write.matches(key) : read.matches(key)
    }
}
