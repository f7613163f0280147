import AMQPWire

// What can be told of definitions before anything is changed.
extension Policy {
    /// - Throws: Why it could not be set.
    package func check(isOperator: Bool) throws(AdministrationError) {
        if name.isEmpty { throw .invalid("a policy needs a name") }
        guard pattern.utf8.count <= Limit.patternByteCount else {
            throw .invalid("the pattern is longer than \(Limit.patternByteCount) bytes")
        }
        try PolicyDefinition.check(definition, isOperator: isOperator)
        _ = try NamePattern(pattern)
    }

    /// Keys of the definition that no such policy has here.
    package func unknownKeys(isOperator: Bool) -> [ShortString] {
        definition.entries.map(\.name).filter { !PolicyDefinition.knows($0, isOperator: isOperator) }
    }
}

extension Permissions {
    /// - Throws: Why they could not be set.
    package func check() throws(AdministrationError) { _ = try PermissionPatterns(self) }
}
