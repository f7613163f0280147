extension Configuration {
    /// Sets what the file sets, on top of what this configuration holds.
    package mutating func apply(_ file: ConfigurationFile) throws(ConfigurationError) {
        var updated = self
        var listensWhereFileSays = false
        var noLoopbackUsers = false
        for setting in file.settings {
            guard let key = ConfigurationKey.all.first(where: { $0.matches(setting.segments) }) else {
                throw unknown(setting, in: file)
            }
            if case .listener = key.kind, !listensWhereFileSays {
                listensWhereFileSays = true
                updated.listeners = []
            }
            if case .noLoopbackUsers = key.kind { noLoopbackUsers = true }
            try key.apply(
                setting.value, variable: setting.segments.last ?? "", to: &updated,
                place: "\(file.name):\(setting.line): \(setting.key)", example: key.example)
        }
        // As in RabbitMQ, none wins wherever it stands.
        if noLoopbackUsers { updated.loopbackUsers = [] }
        self = updated
    }

    private func unknown(_ setting: ConfigurationFile.Setting, in file: ConfigurationFile) -> ConfigurationError {
        let found = singleLine(setting.key, maxBytes: 128)
        let nearest = ConfigurationKey.nearestName(to: String(setting.key.prefix(128)))
        return ConfigurationError(
            "\(file.name):\(setting.line): unknown key '\(found)'; the nearest known key is '\(nearest)'")
    }
}

extension ConfigurationKey {
    /// The name in the table with the fewest edits (insertions, removals, replacements) from `name`. A free last
    /// segment costs nothing.
    static func nearestName(to name: String) -> String {
        var nearest = (name: "", distance: Int.max)
        for key in all {
            for candidate in [key.name] + (key.alias.map { [$0] } ?? []) {
                var compared = candidate
                if key.takesName, let dot = candidate.lastIndex(of: "."), let last = name.lastIndex(of: ".") {
                    compared = String(candidate[...dot] + name[name.index(after: last)...])
                }
                let distance = editDistance(name, compared)
                if distance < nearest.distance { nearest = (candidate, distance) }
            }
        }
        return nearest.name
    }
}

/// Levenshtein's distance over bytes, in space of one row.
private func editDistance(_ source: String, _ target: String) -> Int {
    let target = Array(target.utf8)
    var row = Array(0...target.count)
    for byte in source.utf8 {
        var diagonal = row[0]
        row[0] += 1
        for column in target.indices {
            let replaced = diagonal + (target[column] == byte ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
        }
    }
    return row[target.count]
}
