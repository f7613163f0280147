import ArgumentParser
import JSON

/// `leveretctl get`.
struct GetCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "get", "Shows the first messages of a queue.",
        notes: """
            They go back to their places, marked as redelivered, unless --remove or --reject says
            otherwise. leveretctl tail shows copies and touches nothing.
            """,
        examples: [
            "leveretctl get orders", "leveretctl get orders --count 10 --json",
            "leveretctl get orders --remove --quiet > message.txt", "leveretctl get orders --reject",
        ])

    @Argument(help: "The queue.") var queue: String
    @Option(name: [.long, .customShort("n")], help: "How many.") var count = 1
    @Flag(help: "Take them out of the queue.") var remove = false
    @Flag(help: "Reject them: they are dead-lettered where the queue says so, else they are gone.") var reject = false
    @Option(help: ArgumentHelp("So much of each body.", valueName: "bytes")) var truncate: Int?
    @OptionGroup var virtualHost: VirtualHostOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ServerOptions

    func validate() throws {
        guard 1...100_000 ~= count else { throw ValidationError("--count is from 1 to 100000.") }
        if remove, reject { throw ValidationError("Give --remove or --reject, not both.") }
    }

    func run(_ client: ManagementClient) async throws {
        let mode = remove ? "ack_requeue_false" : reject ? "reject_requeue_false" : "ack_requeue_true"
        var body: JSONValue = ["count": .integer(count), "ackmode": .string(mode), "encoding": "auto"]
        if let truncate { body["truncate"] = .integer(truncate) }
        let messages = try await client.naming(.queue, queue, in: virtualHost.name) { [body] in
            try await client.post(APIPath("queues", virtualHost.name, queue, "get"), body).items
        }
        if output.json { return Report.write(.array(messages)) }
        if output.quiet {
            for message in messages {
                let payload = message["payload"].cell
                StandardOutput.write(payload.hasSuffix("\n") ? payload : payload + "\n")
            }
            return
        }
        if messages.isEmpty { return Report.note("queue '\(queue)' has no ready messages") }
        Report.write(messages.flatMap { MessageText(message: $0).lines })
    }
}
