import ArgumentParser
import JSON

/// Policies of users and of operators differ in their path alone.
struct PolicyKind: Sendable {
    let path: String
    let noun: String
    let plural: String
    let kind: NamedKind

    static let policy = PolicyKind(path: "policies", noun: "policy", plural: "policies", kind: .policy)
    static let operatorPolicy = PolicyKind(
        path: "operator-policies", noun: "operator policy", plural: "operator policies", kind: .operatorPolicy)

    var listing: Listing {
        Listing(
            noun: plural,
            columns: [
                .init("vhost"), .init("name"), .init("pattern"), .init("apply-to", title: "apply to"),
                .init("priority", .number), .init("definition"),
            ],
            defaults: ["name", "pattern", "apply-to", "priority", "definition"], nameColumn: "name")
    }
}

struct PolicyOptions: ParsableArguments {
    @Argument(help: "Its name.") var name: String
    @Argument(help: "A regular expression that matches anywhere in the names of queues and exchanges.")
    var pattern: String
    @Argument(help: "Keys and values as a JSON object.") var definition: String
    @Option(help: "Of several that match the highest counts.") var priority = 0
    @Option(help: ArgumentHelp("all, queues, exchanges, classic_queues or quorum_queues.", valueName: "kind"))
    var applyTo = "all"
    @OptionGroup var virtualHost: VirtualHostOption
    @OptionGroup var change: ChangeOptions

    func set(_ kind: PolicyKind, _ client: ManagementClient) async throws {
        let definition = try JSONArgument.object(definition, "the definition")
        try await client.requireVirtualHost(virtualHost.name)
        try await client.put(
            APIPath(kind.path, virtualHost.name, name),
            [
                "pattern": .string(pattern), "definition": definition, "priority": .integer(priority),
                "apply-to": .string(applyTo),
            ])
        change.done("\(kind.noun) '\(name)' set")
    }
}

struct PolicyRemovalOptions: ParsableArguments {
    @Argument(help: "Its name.") var name: String
    @OptionGroup var virtualHost: VirtualHostOption
    @OptionGroup var confirmation: ConfirmationOptions
    @OptionGroup var change: ChangeOptions

    func clear(_ kind: PolicyKind, _ client: ManagementClient) async throws {
        let path = APIPath(kind.path, virtualHost.name, name)
        guard try await client.find(path) != nil else {
            throw await client.missing(kind.kind, name, in: virtualHost.name)
        }
        try confirmation.ask("delete \(kind.noun) '\(name)' of virtual host '\(virtualHost.name)'")
        try await client.delete(path)
        change.done("\(kind.noun) '\(name)' deleted")
    }
}

/// JSON as an argument.
enum JSONArgument {
    static func value(_ text: String, _ what: String) throws -> JSONValue {
        do {
            return try JSONValue(parsing: text)
        } catch {
            throw ControlError(
                "\(what) is no JSON: \(error.reason), at byte \(error.offset). In a shell it stands in ' '")
        }
    }

    static func object(_ text: String, _ what: String) throws -> JSONValue {
        let value = try value(text, what)
        guard case .object = value else {
            throw ControlError("\(what) is no JSON object, such as {\"max-length\":1000}")
        }
        return value
    }
}
