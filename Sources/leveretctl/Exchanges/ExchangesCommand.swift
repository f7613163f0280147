import ArgumentParser
import Console
import JSON

/// `leveretctl exchanges`.
struct ExchangesCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "exchanges", "Exchanges: list, declare, delete.", [List.self, Declare.self, Delete.self])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists exchanges.",
            examples: ["leveretctl exchanges list", "leveretctl exchanges list name type arguments --json"])

        static let listing = Listing(
            noun: "exchanges",
            columns: [
                .init("name"), .init("type"), .init("durable"), .init("auto_delete", title: "auto-delete"),
                .init("internal"), .init("arguments"), .init("policy"), .init("vhost"),
                .init("publish_in", .rate, title: "in/s", path: "message_stats.publish_in_details.rate"),
                .init("publish_out", .rate, title: "out/s", path: "message_stats.publish_out_details.rate"),
            ],
            defaults: ["name", "type", "publish_in", "durable", "auto_delete", "internal", "arguments", "policy"],
            nameColumn: "name")

        @OptionGroup var list: ListOptions
        @OptionGroup var scope: ScopeOptions
        @OptionGroup var server: ServerOptions

        var additionalColumns: [String] { scope.columns }

        func rows(_ client: ManagementClient) async throws -> [JSONValue] {
            try await scope.get("exchanges", client, fields: neededFields).map { exchange in
                guard exchange["name"].text == "" else { return exchange }
                var shown = exchange
                shown["name"] = "(default)"
                return list.output.json ? exchange : shown
            }
        }
    }

    struct Declare: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "declare", "Declares an exchange: makes it, or checks that it is there with the same options.",
            examples: [
                "leveretctl exchanges declare invoices --type topic",
                "leveretctl exchanges declare prices --type fanout --transient --auto-delete",
                "leveretctl exchanges declare work --alternate-exchange unrouted",
            ])

        @Argument(help: "Its name.") var name: String
        @Option(help: "direct, fanout, topic, headers, or one of the broker's others.") var type = "direct"
        @Flag(help: "It does not survive the broker's restart.") var transient = false
        @Flag(help: "It goes when nothing is bound to it any more.") var autoDelete = false
        @Flag(help: "Clients cannot publish to it.") var `internal` = false
        @Option(help: ArgumentHelp("Gets what leads nowhere.", valueName: "name")) var alternateExchange: String?
        @OptionGroup var arguments: ArgumentOptions
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            var arguments = try arguments.json()
            if let alternateExchange { arguments["alternate-exchange"] = .string(alternateExchange) }
            let body: JSONValue = [
                "type": .string(type), "durable": .bool(!transient), "auto_delete": .bool(autoDelete),
                "internal": .bool(`internal`), "arguments": arguments,
            ]
            let isNew = try await client.naming(.virtualHost, virtualHost.name) {
                try await client.put(APIPath("exchanges", virtualHost.name, name), body)
            }
            change.done("exchange '\(name)' \(isNew ? "declared" : "was there already")")
        }
    }

    struct Delete: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "delete", "Deletes an exchange with its bindings.",
            examples: [
                "leveretctl exchanges delete old --yes", "leveretctl exchanges delete old --if-unused --yes",
            ])

        @Argument(help: "Its name.") var name: String
        @Flag(help: "Only when nothing is bound to it.") var ifUnused = false
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            let path = APIPath("exchanges", virtualHost.name, name)
            try await client.naming(.exchange, name, in: virtualHost.name) {
                if !confirmation.yes { _ = try await client.get(path) }
                let bindings =
                    confirmation.yes
                    ? []
                    : try await client.get(APIPath("exchanges", virtualHost.name, name, "bindings", "source")).items
                let loss = bindings.isEmpty ? "" : " with \(Quantity.count(bindings.count, "binding"))"
                try confirmation.ask("delete exchange '\(name)' of virtual host '\(virtualHost.name)'\(loss)")
                try await client.delete(ifUnused ? path.with("if-unused", "true") : path)
            }
            change.done("exchange '\(name)' deleted")
        }
    }
}
