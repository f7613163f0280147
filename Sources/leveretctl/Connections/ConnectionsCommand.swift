import ArgumentParser
import Console
import JSON

/// `leveretctl connections`.
struct ConnectionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "connections", "Client connections: list, close.", [List.self, Close.self])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists connections.",
            examples: [
                "leveretctl connections list",
                "leveretctl connections list name user recv_oct --sort recv_oct --reverse",
            ])

        static let listing = Listing(
            noun: "connections",
            columns: [
                .init("name"), .init("user"), .init("vhost"), .init("state"), .init("channels", .number),
                .init("client", path: "user_provided_name"), .init("peer_host"), .init("peer_port"), .init("host"),
                .init("port"), .init("protocol"), .init("ssl"), .init("auth_mechanism"), .init("timeout", .number),
                .init("frame_max", .number), .init("channel_max", .number), .init("client_properties"),
                .init("recv_oct", .bytes, title: "received"), .init("send_oct", .bytes, title: "sent"),
                .init("connected_at", .moment, title: "connected at"), .init("pid", path: "name"),
                .init("recv_rate", .rate, title: "in B/s", path: "recv_oct_details.rate"),
                .init("send_rate", .rate, title: "out B/s", path: "send_oct_details.rate"), .init("node"),
            ],
            defaults: [
                "name", "client", "user", "vhost", "state", "channels", "recv_oct", "send_oct", "connected_at",
            ],
            nameColumn: "name")

        @OptionGroup var list: ListOptions
        @OptionGroup var server: ServerOptions

        func rows(_ client: ManagementClient) async throws -> [JSONValue] {
            try await client.get(APIPath("connections").with(fields: neededFields)).items
        }
    }

    struct Close: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "close", "Closes connections of clients, which learn the reason.",
            examples: [
                "leveretctl connections close '127.0.0.1:40000 -> 127.0.0.1:5672' --yes",
                "leveretctl connections close --of alice --reason 'key rotation' --yes",
                "leveretctl connections close --vhost shop --limit 100 --delay 20 --yes",
                "leveretctl connections close --all --reason maintenance --yes",
            ])

        @Argument(help: "The connection's name, as the list shows it, or the name its client gave.") var name: String?
        @Option(help: "What the client is told.") var reason = "closed by an operator"
        @Option(help: ArgumentHelp("All of this user.", valueName: "user")) var of: String?
        @Option(
            name: [.customLong("vhost"), .customShort("p")],
            help: ArgumentHelp("All of this virtual host; with --of, the user's in it.", valueName: "vhost"))
        var virtualHost: String?
        @Flag(help: "All there are.") var all = false
        @Option(help: ArgumentHelp("At most so many.", valueName: "count")) var limit: Int?
        @Option(help: ArgumentHelp("Wait so long between two of them.", valueName: "milliseconds")) var delay = 0
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func validate() throws {
            let count = (name == nil ? 0 : 1) + (of == nil && virtualHost == nil ? 0 : 1) + (all ? 1 : 0)
            guard count == 1 else { throw ValidationError("Say which: a name, --of USER, --vhost VHOST or --all.") }
            guard limit ?? 0 >= 0, 0...3_600_000 ~= delay else {
                throw ValidationError("--limit is 0 or more, --delay from 0 to 3600000.")
            }
        }

        func run(_ client: ManagementClient) async throws {
            let names = try await names(client)
            guard let first = names.first else { return change.done("there are no such connections") }
            let which = names.count == 1 ? "connection '\(first)'" : "\(Quantity.grouped(names.count)) connections"
            try confirmation.ask("close \(which)")
            var bar = ProgressBar("closing", total: names.count, isQuiet: change.quiet)
            var closed = 0
            for (index, name) in names.enumerated() {
                if delay > 0, index > 0 { try await Task.sleep(for: .milliseconds(delay)) }
                do {
                    try await client.delete(APIPath("connections", name), headers: [("X-Reason", Self.header(reason))])
                    closed += 1
                } catch let error as ServerError where error.isNotFound {
                    // It went by itself; but the one that was named should be there.
                    if self.name != nil { throw await client.missing(.connection, name) }
                }
                bar.update(index + 1)
            }
            bar.finish()
            change.done("\(Quantity.count(closed, "connection")) closed")
        }

        private func names(_ client: ManagementClient) async throws -> [String] {
            if let virtualHost { try await client.requireVirtualHost(virtualHost) }
            let path = APIPath("connections").with("columns", "name,user,vhost,user_provided_name")
            let chosen = try await client.get(path).items.filter { connection in
                if let of, connection["user"].text != of { return false }
                if let virtualHost, connection["vhost"].text != virtualHost { return false }
                guard let name else { return true }
                return connection["name"].text == name || connection["user_provided_name"].text == name
            }
            if let name, chosen.isEmpty { throw await client.missing(.connection, name) }
            let names = chosen.compactMap { $0["name"].text }
            return limit.map { Array(names.prefix($0)) } ?? names
        }

        /// A header is one line of visible characters.
        private static func header(_ text: String) -> String {
            String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
        }
    }
}

/// `leveretctl channels`.
struct ChannelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group("channels", "Channels: list.", [List.self])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists channels.",
            examples: ["leveretctl channels list", "leveretctl channels list name messages_unacknowledged --json"])

        static let listing = Listing(
            noun: "channels",
            columns: [
                .init("name"), .init("connection", path: "connection_details.name"), .init("number", .number),
                .init("user"), .init("vhost"), .init("state"), .init("transactional"), .init("confirm"),
                .init("consumer_count", .number, title: "consumers"), .init("pid", path: "name"),
                .init("messages_unacknowledged", .number, title: "unacked"),
                .init("messages_unconfirmed", .number, title: "unconfirmed"),
                .init("messages_uncommitted", .number, title: "uncommitted"),
                .init("acks_uncommitted", .number, title: "acks uncommitted"),
                .init("prefetch_count", .number, title: "prefetch"),
                .init("global_prefetch_count", .number, title: "channel prefetch"),
                .init("publish", .rate, title: "in/s", path: "message_stats.publish_details.rate"),
                .init("deliver", .rate, title: "out/s", path: "message_stats.deliver_get_details.rate"),
            ],
            defaults: [
                "name", "user", "vhost", "state", "confirm", "consumer_count", "messages_unacknowledged",
                "messages_unconfirmed", "prefetch_count",
            ],
            nameColumn: "name")

        @OptionGroup var list: ListOptions
        @OptionGroup var server: ServerOptions

        func rows(_ client: ManagementClient) async throws -> [JSONValue] {
            try await client.get(APIPath("channels").with(fields: neededFields)).items
        }
    }
}

/// `leveretctl consumers`.
struct ConsumersCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group("consumers", "Consumers: list.", [List.self])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists consumers.",
            examples: ["leveretctl consumers list", "leveretctl consumers list --all-vhosts --json"])

        static let listing = Listing(
            noun: "consumers",
            columns: [
                .init("queue", path: "queue.name"), .init("vhost", path: "queue.vhost"),
                .init("consumer_tag", title: "tag"), .init("ack_required", title: "acks"), .init("exclusive"),
                .init("prefetch_count", .number, title: "prefetch"), .init("active"),
                .init("activity_status", title: "status"), .init("arguments"),
                .init("channel", path: "channel_details.name"), .init("channel_pid", path: "channel_details.name"),
                .init("connection", path: "channel_details.connection_name"), .init("queue_name", path: "queue.name"),
            ],
            defaults: ["queue", "consumer_tag", "ack_required", "prefetch_count", "active", "arguments", "channel"],
            nameColumn: "queue")

        @OptionGroup var list: ListOptions
        @OptionGroup var scope: ScopeOptions
        @OptionGroup var server: ServerOptions

        var additionalColumns: [String] { scope.columns }

        func rows(_ client: ManagementClient) async throws -> [JSONValue] { try await scope.get("consumers", client) }
    }
}
