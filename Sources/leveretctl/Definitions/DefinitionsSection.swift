import Console
import JSON

/// One list of a file of definitions, and which fields name an object of it.
struct DefinitionsSection: Sendable {
    let name: String
    let noun: String
    let keys: [String]
    /// What older and newer brokers leave out when it says nothing.
    var defaults: JSONValue = [:]

    /// In the order in which they have to be imported.
    static let all: [DefinitionsSection] = [
        DefinitionsSection(name: "users", noun: "user", keys: ["name"], defaults: ["limits": [:], "tags": []]),
        DefinitionsSection(
            name: "vhosts", noun: "virtual host", keys: ["name"],
            defaults: ["limits": [], "metadata": ["description": "", "tags": []], "description": "", "tags": []]),
        DefinitionsSection(name: "permissions", noun: "permission", keys: ["vhost", "user"]),
        DefinitionsSection(name: "topic_permissions", noun: "topic permission", keys: ["vhost", "user", "exchange"]),
        DefinitionsSection(name: "parameters", noun: "parameter", keys: ["vhost", "component", "name"]),
        DefinitionsSection(name: "global_parameters", noun: "global parameter", keys: ["name"]),
        DefinitionsSection(
            name: "policies", noun: "policy", keys: ["vhost", "name"], defaults: ["apply-to": "all", "priority": 0]),
        DefinitionsSection(
            name: "exchanges", noun: "exchange", keys: ["vhost", "name"],
            defaults: ["arguments": [:], "internal": false, "auto_delete": false, "durable": true]),
        DefinitionsSection(
            name: "queues", noun: "queue", keys: ["vhost", "name"],
            defaults: ["arguments": [:], "auto_delete": false, "durable": true]),
        DefinitionsSection(
            name: "bindings", noun: "binding",
            keys: ["vhost", "source", "destination_type", "destination", "routing_key", "arguments"],
            defaults: ["arguments": [:], "routing_key": "", "destination_type": "queue"]),
    ]

    /// What an object is called, the same for the same object in two files.
    func key(of object: JSONValue) -> [String] {
        keys.map { name in
            let value = object[name]
            return (value.isNull || value.isEmpty ? defaults[name] : value).sorted.cell
        }
    }

    /// The object without what says nothing, in one order and one form.
    func plain(_ object: JSONValue) -> JSONValue {
        var plain = object
        if name == "users" { plain["tags"] = .array(object["tags"].words.sorted().map { .string($0) }) }
        let members = plain.members.filter { member in
            let value = member.value
            return !value.isNull && !(value.isEmpty && defaults[member.name].isEmpty) && value != defaults[member.name]
        }
        return JSONValue.object(JSONObject(members)).sorted
    }
}

/// How many objects of each kind there are.
struct DefinitionsSummary {
    let counts: [(section: DefinitionsSection, count: Int)]

    init(_ definitions: JSONValue) {
        counts = DefinitionsSection.all.map { ($0, definitions[$0.name].items.count) }
    }

    /// Of parts of one file.
    init(sum parts: [DefinitionsSummary]) {
        counts = DefinitionsSection.all.enumerated().map { index, section in
            (section, parts.reduce(0) { $0 + $1.counts[index].count })
        }
    }

    var total: Int { counts.reduce(0) { $0 + $1.count } }

    var text: String {
        let present = counts.filter { $0.count > 0 }
        if present.isEmpty { return "no objects" }
        return present.map { section, count in
            Quantity.count(count, section.noun, plural: section.noun == "policy" ? "policies" : nil)
        }.joined(separator: ", ")
    }
}
