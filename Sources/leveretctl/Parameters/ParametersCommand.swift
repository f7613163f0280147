import ArgumentParser
import JSON

/// `leveretctl parameters`.
struct ParametersCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "parameters", "Runtime parameters, of a virtual host or global: list, set, clear.",
        [List.self, Set.self, Clear.self])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists parameters.",
            examples: ["leveretctl parameters list --all-vhosts", "leveretctl parameters list --global"])

        static let listing = Listing(
            noun: "parameters",
            columns: [.init("component"), .init("name"), .init("value"), .init("vhost")],
            defaults: ["component", "name", "value"], nameColumn: "name")

        @OptionGroup var list: ListOptions
        @Flag(help: "Those of the whole broker.") var global = false
        @OptionGroup var scope: ScopeOptions
        @OptionGroup var server: ServerOptions

        var additionalColumns: [String] { scope.columns }

        func rows(_ client: ManagementClient) async throws -> [JSONValue] {
            if global { return try await client.get(APIPath("global-parameters")).items }
            return try await client.get(APIPath("parameters")).items.filter {
                scope.allVhosts || $0["vhost"].text == scope.virtualHost.name
            }
        }
    }

    struct Set: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "set", "Sets a parameter; its value is JSON.",
            examples: [
                "leveretctl parameters set --global region '\"north\"'",
                "leveretctl parameters set vhost-limits limits '{\"max-queues\":500}'",
            ])

        @Argument(help: "Its component and name; only the name with --global. Then the value.")
        var words: [String]
        @Flag(help: "Of the whole broker.") var global = false
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func validate() throws {
            let wanted = global ? ["name", "value"] : ["component", "name", "value"]
            guard words.count == wanted.count else {
                throw ValidationError("Expected: \(wanted.map { "<\($0)>" }.joined(separator: " ")).")
            }
        }

        func run(_ client: ManagementClient) async throws {
            let value = try JSONArgument.value(words[words.count - 1], "the value")
            if global {
                try await client.put(
                    APIPath("global-parameters", words[0]), ["name": .string(words[0]), "value": value])
                return change.done("global parameter '\(words[0])' set")
            }
            try await client.requireVirtualHost(virtualHost.name)
            try await client.put(
                APIPath("parameters", words[0], virtualHost.name, words[1]),
                [
                    "component": .string(words[0]), "vhost": .string(virtualHost.name), "name": .string(words[1]),
                    "value": value,
                ])
            change.done("parameter '\(words[1])' of component '\(words[0])' set")
        }
    }

    struct Clear: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "clear", "Deletes a parameter.",
            examples: ["leveretctl parameters clear --global tier --yes"])

        @Argument(help: "Its component and name; only the name with --global.") var words: [String]
        @Flag(help: "Of the whole broker.") var global = false
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func validate() throws {
            let wanted = global ? ["name"] : ["component", "name"]
            guard words.count == wanted.count else {
                throw ValidationError("Expected: \(wanted.map { "<\($0)>" }.joined(separator: " ")).")
            }
        }

        func run(_ client: ManagementClient) async throws {
            let name = words[words.count - 1]
            let path =
                global ? APIPath("global-parameters", name) : APIPath("parameters", words[0], virtualHost.name, name)
            guard try await client.find(path) != nil else {
                throw await client.missing(global ? .globalParameter : .parameter(words[0]), name, in: virtualHost.name)
            }
            let which = global ? "global parameter '\(name)'" : "parameter '\(name)' of component '\(words[0])'"
            try confirmation.ask("delete \(which)")
            try await client.delete(path)
            change.done("\(which) deleted")
        }
    }
}
