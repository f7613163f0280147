import Console
import JSON

/// What is different between two sets of definitions.
struct DefinitionsDiff {
    struct Difference: Equatable {
        enum Kind: String { case added = "+", removed = "-", changed = "~" }

        struct Field: Equatable {
            var name: String
            var before: JSONValue
            var after: JSONValue
        }

        var kind: Kind
        var section: String
        var name: String
        var fields: [Field] = []

        var json: JSONValue {
            let words: [Kind: JSONValue] = [.added: "added", .removed: "removed", .changed: "changed"]
            return [
                "kind": words[kind] ?? .null, "section": .string(section), "name": .string(name),
                "fields": .array(fields.map { ["name": .string($0.name), "before": $0.before, "after": $0.after] }),
            ]
        }
    }

    let differences: [Difference]

    init(from before: JSONValue, to after: JSONValue) {
        var differences: [Difference] = []
        for section in DefinitionsSection.all {
            let (before, after) = (Self.indexed(before, section), Self.indexed(after, section))
            for key in Set(before.keys).union(after.keys).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                let name = Self.name(key, section)
                switch (before[key], after[key]) {
                case (nil, _?): differences.append(.init(kind: .added, section: section.name, name: name))
                case (_?, nil): differences.append(.init(kind: .removed, section: section.name, name: name))
                case (let old?, let new?):
                    let fields = Self.fields(old, new, path: "")
                    if !fields.isEmpty {
                        differences.append(
                            .init(kind: .changed, section: section.name, name: name, fields: fields))
                    }
                case (nil, nil): break
                }
            }
        }
        self.differences = differences
    }

    private static func indexed(_ definitions: JSONValue, _ section: DefinitionsSection) -> [[String]: JSONValue] {
        var objects: [[String]: JSONValue] = [:]
        for object in definitions[section.name].items { objects[section.key(of: object)] = section.plain(object) }
        return objects
    }

    private static func name(_ key: [String], _ section: DefinitionsSection) -> String {
        if section.name == "bindings" {
            let condition = [key[4].isEmpty ? "" : "'\(key[4])'", key[5]].filter { !$0.isEmpty }
            return ([key[1]] + condition + ["→ \(key[2]) \(key[3])"]).joined(separator: " ") + " (\(key[0]))"
        }
        guard section.keys.first == "vhost" else { return key.joined(separator: " ") }
        return key.dropFirst().joined(separator: " ") + (key[0].isEmpty ? "" : " (\(key[0]))")
    }

    /// Objects are compared member by member, so that one argument of many is named.
    private static func fields(_ before: JSONValue, _ after: JSONValue, path: String) -> [Difference.Field] {
        if before == after { return [] }
        guard let old = before.object?.members, let new = after.object?.members else {
            return [.init(name: path, before: before, after: after)]
        }
        return Set(old.map(\.name)).union(new.map(\.name)).sorted().flatMap { name in
            fields(before[name], after[name], path: path.isEmpty ? name : "\(path).\(name)")
        }
    }

    static func lines(_ differences: [Difference]) -> [String] {
        var lines: [String] = []
        var section = ""
        for difference in differences {
            if difference.section != section {
                section = difference.section
                lines.append(section.replacing("_", with: " "))
            }
            lines.append(printable("  \(difference.kind.rawValue) \(difference.name)"))
            for field in difference.fields {
                // Hashes say nothing to a person, and are nobody's business.
                let isSecret = field.name == "password_hash"
                let change = isSecret ? "differs" : "\(shown(field.before)) → \(shown(field.after))"
                lines.append(printable("      \(field.name): \(change)"))
            }
        }
        return lines
    }

    private static func shown(_ value: JSONValue) -> String { value.isNull ? "(not set)" : value.compact }
}
