import ArgumentParser
import Console

extension QueuesCommand {
    struct Purge: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "purge", "Throws away all ready messages of a queue.",
            examples: ["leveretctl queues purge orders --yes"])

        @OptionGroup var purge: PurgeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws { try await purge.run(client) }
    }
}

/// `leveretctl purge`.
struct PurgeCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "purge", "Throws away all ready messages of a queue.",
        notes: "Messages that consumers have and did not acknowledge yet stay theirs.",
        examples: ["leveretctl purge orders --yes"])

    @OptionGroup var purge: PurgeOptions
    @OptionGroup var server: ServerOptions

    func run(_ client: ManagementClient) async throws { try await purge.run(client) }
}

struct PurgeOptions: ParsableArguments {
    @Argument(help: "The queue's name.") var name: String
    @OptionGroup var virtualHost: VirtualHostOption
    @OptionGroup var confirmation: ConfirmationOptions
    @OptionGroup var change: ChangeOptions

    func run(_ client: ManagementClient) async throws {
        let path = APIPath("queues", virtualHost.name, name)
        let count = try await client.naming(.queue, name, in: virtualHost.name) {
            try await client.get(path.with("columns", "messages_ready"))["messages_ready"].wholeNumber ?? 0
        }
        try confirmation.ask(
            "throw away \(Quantity.count(count, "message")) of queue '\(name)' of virtual host '\(virtualHost.name)'")
        try await client.naming(.queue, name, in: virtualHost.name) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await client.delete(APIPath("queues", virtualHost.name, name, "contents")) }
                let isQuiet = change.quiet
                group.addTask { await Self.watch(path, count, isQuiet, client) }
                // The purge is done, or failed: the other one only looks on.
                defer { group.cancelAll() }
                try await group.next()
            }
        }
        change.done("queue '\(name)' purged of \(Quantity.count(count, "message"))")
    }

    /// Shows how the queue becomes shorter; ends when it is cancelled.
    private static func watch(_ path: APIPath, _ count: Int, _ isQuiet: Bool, _ client: ManagementClient) async {
        var bar = ProgressBar("purging", total: count, isQuiet: isQuiet)
        while (try? await Task.sleep(for: .milliseconds(300))) != nil {
            guard let left = try? await client.get(path)["messages_ready"].wholeNumber else { continue }
            bar.update(max(0, count - left))
        }
        bar.finish()
    }
}
