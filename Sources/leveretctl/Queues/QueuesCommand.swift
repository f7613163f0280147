import ArgumentParser
import Console
import JSON

/// `leveretctl queues`.
struct QueuesCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "queues", "Queues: list, declare, delete, pause, and who holds what unacknowledged.",
        [List.self, Declare.self, Delete.self, Purge.self, Pause.self, Resume.self, Unacked.self])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists queues.",
            examples: [
                "leveretctl queues list",
                "leveretctl queues list name messages --sort messages --reverse --limit 10",
                "leveretctl queues list --name 'orders*' --json",
                "leveretctl queues list name message_stats.ack_details.rate --all-vhosts",
            ])

        static let listing = Listing(
            noun: "queues",
            columns: [
                .init("name"), .init("vhost"), .init("type"), .init("state"), .init("durable"),
                .init("auto_delete", title: "auto-delete"), .init("exclusive"), .init("arguments"), .init("policy"),
                .init("operator_policy", title: "operator policy"), .init("node"),
                .init("messages", .number), .init("messages_ready", .number, title: "ready"),
                .init("messages_unacknowledged", .number, title: "unacked"), .init("consumers", .number),
                .init("memory", .bytes), .init("message_bytes", .bytes, title: "bytes"),
                .init("idle_since", title: "idle since"),
                .init("consumer_utilisation", .number, title: "utilisation"),
                .init("owner_pid", path: "owner_pid_details.name"),
                .init("publish", .rate, title: "in/s", path: "message_stats.publish_details.rate"),
                .init("deliver", .rate, title: "out/s", path: "message_stats.deliver_get_details.rate"),
            ],
            defaults: [
                "name", "messages_ready", "messages_unacknowledged", "messages", "consumers", "state", "publish",
                "deliver", "type", "policy",
            ],
            nameColumn: "name")

        @OptionGroup var list: ListOptions
        @OptionGroup var scope: ScopeOptions
        @OptionGroup var server: ServerOptions

        var additionalColumns: [String] { scope.columns }

        func rows(_ client: ManagementClient) async throws -> [JSONValue] {
            try await scope.get("queues", client, fields: neededFields)
        }
    }

    struct Declare: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "declare", "Declares a queue: makes it, or checks that it is there with the same options.",
            examples: [
                "leveretctl queues declare parcels",
                "leveretctl queues declare parcels-dead --max-length 10000",
                "leveretctl queues declare jobs -a x-max-priority=5 -a x-max-length=1000",
            ])

        @Argument(help: "Its name.") var name: String
        @Option(help: "classic or quorum.") var type: String?
        @Flag(help: "It does not survive the broker's restart.") var transient = false
        @Flag(help: "It goes with its last consumer.") var autoDelete = false
        @Option(help: ArgumentHelp("How many messages it keeps; then the oldest go.", valueName: "count"))
        var maxLength: Int?
        @Option(help: ArgumentHelp("How long it keeps a message.", valueName: "milliseconds")) var messageTtl: Int?
        @Option(help: ArgumentHelp("The exchange for what is rejected or expires.", valueName: "name"))
        var deadLetterExchange: String?
        @OptionGroup var arguments: ArgumentOptions
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            var arguments = try arguments.json()
            if let type { arguments["x-queue-type"] = .string(type) }
            if let maxLength { arguments["x-max-length"] = .integer(maxLength) }
            if let messageTtl { arguments["x-message-ttl"] = .integer(messageTtl) }
            if let deadLetterExchange { arguments["x-dead-letter-exchange"] = .string(deadLetterExchange) }
            let body: JSONValue = [
                "durable": .bool(!transient), "auto_delete": .bool(autoDelete), "arguments": arguments,
            ]
            let isNew = try await client.naming(.virtualHost, virtualHost.name) {
                try await client.put(APIPath("queues", virtualHost.name, name), body)
            }
            change.done("queue '\(name)' \(isNew ? "declared" : "was there already")")
        }
    }

    struct Delete: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "delete", "Deletes a queue with its messages.",
            examples: [
                "leveretctl queues delete old --yes", "leveretctl queues delete old --if-empty --if-unused --yes",
            ])

        @Argument(help: "Its name.") var name: String
        @Flag(name: [.long, .customShort("e")], help: "Only when it has no messages.") var ifEmpty = false
        @Flag(name: [.long, .customShort("u")], help: "Only when it has no consumers.") var ifUnused = false
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            let plain = APIPath("queues", virtualHost.name, name)
            var path = plain
            if ifEmpty { path = path.with("if-empty", "true") }
            if ifUnused { path = path.with("if-unused", "true") }
            try await client.naming(.queue, name, in: virtualHost.name) {
                if !confirmation.yes {
                    let queue = try await client.get(plain)
                    let loss = [("message", "messages"), ("consumer", "consumers")].compactMap { noun, field in
                        queue[field].wholeNumber.flatMap { $0 > 0 ? Quantity.count($0, noun) : nil }
                    }
                    let losses = loss.isEmpty ? "" : " with " + loss.joined(separator: " and ")
                    try confirmation.ask("delete queue '\(name)' of virtual host '\(virtualHost.name)'\(losses)")
                }
                try await client.delete(path)
            }
            change.done("queue '\(name)' deleted")
        }
    }
}
