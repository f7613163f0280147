import ArgumentParser
import JSON

/// `leveretctl bindings`.
struct BindingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "bindings", "Bindings: list, declare, delete, and the topology as a tree.",
        [List.self, Declare.self, Delete.self, TreeView.self])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists bindings.",
            notes:
                "Every queue is bound to the default exchange by its name; --default shows those bindings too.",
            examples: [
                "leveretctl bindings list", "leveretctl bindings list --json",
                "leveretctl bindings list --source orders", "leveretctl bindings list --destination billing --default",
            ])

        static let listing = Listing(
            noun: "bindings",
            columns: [
                .init("source"), .init("destination"), .init("destination_type", title: "type"),
                .init("routing_key", title: "routing key"), .init("arguments"), .init("vhost"),
                .init("properties_key", title: "properties key"), .init("source_name", path: "source"),
                .init("source_kind"), .init("destination_name", path: "destination"),
                .init("destination_kind", path: "destination_type"),
            ],
            defaults: ["source", "routing_key", "destination", "destination_type", "arguments"],
            nameColumn: "source")

        @OptionGroup var list: ListOptions
        @Option(help: ArgumentHelp("Only from this exchange.", valueName: "exchange")) var source: String?
        @Option(help: ArgumentHelp("Only to this queue or exchange.", valueName: "name")) var destination: String?
        @Flag(name: .customLong("default"), help: "Also those of the default exchange.") var hasDefault = false
        @OptionGroup var scope: ScopeOptions
        @OptionGroup var server: ServerOptions

        var additionalColumns: [String] { scope.columns }

        func rows(_ client: ManagementClient) async throws -> [JSONValue] {
            try await scope.get("bindings", client).filter { binding in
                if let source, binding["source"].text != source { return false }
                if let destination, binding["destination"].text != destination { return false }
                return hasDefault || source == "" || binding["source"].text != ""
            }.map { binding in
                guard list.columns.contains("source_kind") else { return binding }
                var shown = binding
                shown["source_kind"] = "exchange"
                return shown
            }
        }
    }

    struct Declare: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "declare", "Binds a queue or an exchange to an exchange.",
            examples: [
                "leveretctl bindings declare orders billing 'order.paid'",
                "leveretctl bindings declare orders audit '#' --to-exchange",
            ])

        @OptionGroup var binding: BindingOptions
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws { try await binding.bind(client, change) }
    }

    struct Delete: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "delete", "Removes bindings of a queue or an exchange.",
            examples: [
                "leveretctl bindings delete orders billing 'order.created' --yes",
                "leveretctl bindings delete orders billing --all --yes",
            ])

        @OptionGroup var binding: BindingOptions
        @OptionGroup var removal: UnbindOptions
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws { try await binding.unbind(client, removal, change) }
    }
}

/// `leveretctl bind`.
struct BindCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "bind", "Binds a queue or an exchange to an exchange.",
        notes: "The destination is a queue unless only an exchange has that name, or --to-exchange says so.",
        examples: [
            "leveretctl bind orders billing 'order.*'",
            "leveretctl bind orders audit '#' --to-exchange",
            "leveretctl bind documents archive -a x-match=all -a type=invoice",
        ])

    @OptionGroup var binding: BindingOptions
    @OptionGroup var change: ChangeOptions
    @OptionGroup var server: ServerOptions

    func run(_ client: ManagementClient) async throws { try await binding.bind(client, change) }
}

/// `leveretctl unbind`.
struct UnbindCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "unbind", "Removes bindings of a queue or an exchange.",
        examples: [
            "leveretctl unbind orders billing 'order.created' --yes",
            "leveretctl unbind orders billing --all --yes",
        ])

    @OptionGroup var binding: BindingOptions
    @OptionGroup var removal: UnbindOptions
    @OptionGroup var change: ChangeOptions
    @OptionGroup var server: ServerOptions

    func run(_ client: ManagementClient) async throws { try await binding.unbind(client, removal, change) }
}
