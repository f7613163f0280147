extension Configuration {
    /// Every setting as it holds now, by the key that a file would set it with; secrets are not shown.
    package var effectiveSettings: [(key: String, value: String)] {
        ConfigurationKey.all.flatMap { settings(of: $0) }
    }

    private func settings(of key: ConfigurationKey) -> [(key: String, value: String)] {
        func numbered(_ values: [String]) -> [(key: String, value: String)] {
            let beginning = key.name.split(separator: ".").dropLast().joined(separator: ".")
            return values.enumerated().map { ("\(beginning).\($0.offset + 1)", $0.element) }
        }
        switch key.kind {
        case .listener: return numbered(listeners.map(\.description))
        case .listItem(let field): return numbered(self[keyPath: field].sorted())
        case .loopbackUser: return loopbackUsers.sorted().map { ("loopback_users.\($0)", "true") }
        case .userTag: return defaultUserTagNames.sorted().map { ("default_user_tags.\($0)", "true") }
        case .noLoopbackUsers: return loopbackUsers.isEmpty ? [(key.name, "none")] : []
        case .text(_, true, _): return [(key.name, "********")]
        // A limit is in bytes or in proportion: it has a key for each.
        case .resourceBytes(_, let field):
            if case .memoryShare = self[keyPath: field] { return [] }
            return [(key.name, key.valueText(in: self))]
        case .memoryShare(_, let field):
            if case .bytes = self[keyPath: field] { return [] }
            return [(key.name, key.valueText(in: self))]
        default: return [(key.name, key.valueText(in: self))]
        }
    }
}
