import ArgumentParser
import Console
import JSON

/// `leveretctl vhosts`.
struct VirtualHostsCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "vhosts", "Virtual hosts: list, add, change, delete.", [List.self, Add.self, Update.self, Delete.self])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists virtual hosts.", examples: ["leveretctl vhosts list", "leveretctl vhosts list --json"])

        static let listing = Listing(
            noun: "virtual hosts",
            columns: [
                .init("name"), .init("description"), .init("tags"),
                .init("default_queue_type", title: "default queue type"), .init("tracing"),
                .init("messages", .number), .init("messages_ready", .number, title: "ready"),
                .init("messages_unacknowledged", .number, title: "unacked"), .init("cluster_state"), .init("metadata"),
            ],
            defaults: [
                "name", "description", "tags", "tracing", "messages_ready", "messages_unacknowledged", "messages",
            ],
            nameColumn: "name")

        @OptionGroup var list: ListOptions
        @OptionGroup var server: ServerOptions

        func rows(_ client: ManagementClient) async throws -> [JSONValue] {
            try await client.get(APIPath("vhosts")).items
        }
    }

    struct Add: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "add", "Adds a virtual host: exchanges, queues and permissions of its own.",
            examples: [
                "leveretctl vhosts add staging", "leveretctl vhosts add tests --description 'nightly runs' --tags ci",
            ])

        @Argument(help: "Its name.") var name: String
        @OptionGroup var settings: VirtualHostSettings
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            let isNew = try await client.put(APIPath("vhosts", name), settings.body(over: .null))
            change.done("virtual host '\(name)' \(isNew ? "added" : "was there already")")
        }
    }

    struct Update: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "update", "Changes what is said of a virtual host, and its tracing (the firehose).",
            examples: [
                "leveretctl vhosts update shop --description 'the shop' --tags production",
                "leveretctl vhosts update shop --tracing on",
            ])

        @Argument(help: "Its name.") var name = "/"
        @OptionGroup var settings: VirtualHostSettings
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            guard let before = try await client.find(APIPath("vhosts", name)) else {
                throw await client.missing(.virtualHost, name)
            }
            try await client.put(APIPath("vhosts", name), settings.body(over: before))
            change.done("virtual host '\(name)' changed")
        }
    }

    struct Delete: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "delete", "Deletes a virtual host with everything in it, and closes its connections.",
            examples: ["leveretctl vhosts delete shop --yes"])

        @Argument(help: "Its name.") var name: String
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            let path = APIPath("vhosts", name)
            if !confirmation.yes {
                let queues = try await client.naming(.virtualHost, name) {
                    try await client.get(APIPath("queues", name).with("columns", "name,messages")).items
                }
                let messages = queues.reduce(0) { $0 + ($1["messages"].wholeNumber ?? 0) }
                try confirmation.ask(
                    "delete virtual host '\(name)' with \(Quantity.count(queues.count, "queue")) and "
                        + Quantity.count(messages, "message"))
            }
            try await client.naming(.virtualHost, name) { try await client.delete(path) }
            change.done("virtual host '\(name)' deleted")
        }
    }
}

struct VirtualHostSettings: ParsableArguments {
    enum Switch: String, ExpressibleByArgument, CaseIterable { case on, off }

    @Option(help: "What it is for.") var description: String?
    @Option(help: ArgumentHelp("Words about it, with commas between them.", valueName: "words")) var tags: String?
    @Option(help: ArgumentHelp("classic or quorum.", valueName: "type")) var defaultQueueType: String?
    @Option(help: "on or off: a copy of every message to the exchange amq.rabbitmq.trace.") var tracing: Switch?

    /// A PUT replaces all of it: so what is not told stays as it was.
    func body(over before: JSONValue) -> JSONValue {
        var body: JSONValue = [:]
        let told = { (name: String) in before["metadata"][name].isNull ? before[name] : before["metadata"][name] }
        body["description"] = description.map { .string($0) } ?? told("description")
        body["tags"] = .string(tags ?? told("tags").words.joined(separator: ","))
        body["default_queue_type"] = defaultQueueType.map { .string($0) } ?? told("default_queue_type")
        body["tracing"] = tracing.map { .bool($0 == .on) } ?? before["tracing"]
        // Older servers call a type that is not set "undefined", and know no null.
        return .object(
            JSONObject(body.members.filter { !$0.value.isNull && $0.value != "undefined" && $0.value != "" }))
    }
}
