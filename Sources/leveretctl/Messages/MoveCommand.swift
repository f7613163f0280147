import ArgumentParser
import Console
import LeveretClient

/// `leveretctl move`.
struct MoveCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "move", "Moves the messages of a queue to another queue, or through an exchange.",
        notes: """
            Over AMQP: each message leaves its queue only once the broker has confirmed its copy,
            so that none is lost when something fails half way; some may then be there twice.
            Properties stay as they are. What comes into the queue meanwhile stays there.
            """,
        examples: [
            "leveretctl move orders-dead orders --yes", "leveretctl move orders-dead orders --limit 100 --yes",
            "leveretctl move orders-dead --to-exchange orders --key order.created --yes",
        ])

    @Argument(help: "The queue that they are in.") var source: String
    @Argument(help: "The queue that they go to.") var destination: String?
    @Option(help: ArgumentHelp("Publish them to this exchange instead.", valueName: "exchange")) var toExchange: String?
    @Option(help: "With this routing key; else with the one that each has.") var key: String?
    @Option(help: ArgumentHelp("At most so many.", valueName: "count")) var limit: Int?
    @OptionGroup var amqp: AMQPOptions
    @OptionGroup var virtualHost: VirtualHostOption
    @OptionGroup var confirmation: ConfirmationOptions
    @OptionGroup var change: ChangeOptions
    @OptionGroup var server: ServerOptions

    func validate() throws {
        guard (destination == nil) != (toExchange == nil) else {
            throw ValidationError("Say where to: the name of a queue, or --to-exchange.")
        }
        if destination != nil, key != nil { throw ValidationError("--key goes with --to-exchange.") }
        if destination == source { throw ValidationError("Source and destination are the same queue.") }
        if let limit, limit < 1 { throw ValidationError("--limit is 1 or more.") }
    }

    func run(_ client: ManagementClient) async throws {
        let ready = try await client.naming(.queue, source, in: virtualHost.name) {
            try await client.get(APIPath("queues", virtualHost.name, source))["messages_ready"].wholeNumber ?? 0
        }
        if let destination {
            _ = try await client.naming(.queue, destination, in: virtualHost.name) {
                try await client.get(APIPath("queues", virtualHost.name, destination).with("columns", "name"))
            }
        } else if let toExchange, !toExchange.isEmpty {
            _ = try await client.naming(.exchange, toExchange, in: virtualHost.name) {
                try await client.get(APIPath("exchanges", virtualHost.name, toExchange).with("columns", "name"))
            }
        }
        let target = destination.map { "queue '\($0)'" } ?? "exchange '\(toExchange ?? "")'"
        // The API's count may be some seconds old: what is there when the move starts counts.
        let most = limit.map { " (at most \(Quantity.grouped($0)))" } ?? ""
        try confirmation.ask("move \(Quantity.count(ready, "message"))\(most) of queue '\(source)' to \(target)")
        let connection = try await amqp.connect(client, virtualHost: virtualHost.name)
        var transfer = MessageTransfer(source: source, destination: destination, exchange: toExchange ?? "", key: key)
        transfer.isQuiet = change.quiet
        do {
            try await transfer.run(connection, limit: limit)
            try await connection.close()
        } catch let error as LeveretError {
            throw ControlError(
                "moved \(Quantity.count(transfer.movedCount, "message")) to \(target), then it failed; the others "
                    + "stay in queue '\(source)', and up to \(MessageTransfer.batchSize) of them may be there "
                    + "too. "
                    + ControlError.of(error).message)
        }
        change.done("\(Quantity.count(transfer.movedCount, "message")) moved to \(target)")
    }
}

/// Takes messages out of one queue and publishes them elsewhere, in their order.
struct MessageTransfer {
    static let batchSize = 200

    let source: String
    /// The queue, or nil when the exchange decides.
    let destination: String?
    let exchange: String
    let key: String?
    var isQuiet = false
    private(set) var movedCount = 0

    init(source: String, destination: String?, exchange: String, key: String?) {
        self.source = source
        self.destination = destination
        self.exchange = exchange
        self.key = key
    }

    mutating func run(_ connection: Connection, limit: Int?) async throws {
        let channel = try await connection.channel()
        try await channel.enableConfirms()
        let present = try await channel.declareQueue(source, options: .passive).messageCount
        let total = min(limit ?? Int.max, present)
        var bar = ProgressBar("moving", total: total, isQuiet: isQuiet)
        defer { bar.finish() }
        while movedCount < total {
            let count = try await moveBatch(channel, upTo: min(Self.batchSize, total - movedCount))
            if count == 0 { return }
            movedCount += count
            bar.update(movedCount)
        }
    }

    /// Gets, publishes, waits for the confirms, and only then acknowledges.
    private func moveBatch(_ channel: Channel, upTo limit: Int) async throws -> Int {
        var last: Delivery?
        var count = 0
        while count < limit, let delivery = try await channel.get(queue: source) {
            count += 1
            last = delivery
            let key = destination ?? key ?? delivery.routingKey
            // A queue that is deleted meanwhile takes none from then on, so it is enough when the last one of a batch
            // must not be returned. Through an exchange each may go its own way, or nowhere.
            if destination == nil || count == limit || delivery.remainingMessageCount == 0 {
                try await channel.publishConfirmed(
                    body: delivery.body, exchange: exchange, routingKey: key, properties: delivery.properties,
                    mandatory: true)
            } else {
                try await channel.publish(
                    body: delivery.body, exchange: exchange, routingKey: key, properties: delivery.properties)
            }
        }
        guard let last else { return 0 }
        try await channel.waitForConfirms()
        if let destination { _ = try await channel.declareQueue(destination, options: .passive) }
        try await last.ack(multiple: true)
        return count
    }
}
