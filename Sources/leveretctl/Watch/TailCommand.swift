import ArgumentParser
import JSON
import LeveretClient

/// `leveretctl tail`.
struct TailCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "tail", "Shows live copies of what comes to a queue or an exchange. Nothing is consumed.",
        notes: """
            A temporary queue of this command's own, of at most 10,000 messages, gets the copies over
            AMQP, by the bindings that the queue has, or by one for all messages of the exchange. It is
            gone when the command ends. With --firehose the broker copies each message that passes, also
            those published straight to a queue; the virtual host has to have tracing on
            (leveretctl vhosts update --tracing on).
            """,
        examples: [
            "leveretctl tail orders --seconds 2", "leveretctl tail --exchange orders --key 'order.#' --seconds 2",
            "leveretctl tail billing --json --seconds 2",
        ])

    @Argument(help: "The queue, or else the exchange.") var name: String
    @Flag(help: "It is an exchange, also if there is a queue of that name.") var exchange = false
    @Option(help: ArgumentHelp("Only this key or pattern, as often as needed.", valueName: "key")) var key: [String] =
        []
    @Flag(help: "By the broker's own tracing.") var firehose = false
    @Option(name: [.long, .customShort("n")], help: "End after so many.") var count: Int?
    @Option(help: "End after so long.") var seconds: Int?
    @OptionGroup var amqp: AMQPOptions
    @OptionGroup var virtualHost: VirtualHostOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ServerOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is 1 or more.") }
        if let seconds, !(1...31_536_000 ~= seconds) { throw ValidationError("--seconds is from 1 to a year.") }
    }

    func run(_ client: ManagementClient) async throws {
        let topology = try await TopologySnapshot(client, virtualHost: virtualHost.name)
        let plan = try await plan(topology, client)
        if !output.quiet { plan.notes.forEach(Report.note) }
        guard !plan.bindings.isEmpty else {
            throw ControlError("nothing is bound that could be watched: try --firehose, or --key for an exchange")
        }
        let connection = try await amqp.connect(client, virtualHost: virtualHost.name)
        do {
            try await watch(connection, plan)
            try await connection.close()
        } catch let error as LeveretError {
            throw ControlError.of(error)
        }
    }

    private func plan(_ topology: TopologySnapshot, _ client: ManagementClient) async throws -> TailPlan {
        let isQueue = !exchange && topology.queues[name] != nil
        let source = topology.exchanges[name]
        if !isQueue, source == nil {
            let known = (exchange ? [] : Array(topology.queues.keys)) + Array(topology.exchanges.keys)
            let kind = exchange ? "exchange" : "queue or exchange"
            throw ControlError(
                "there is no \(kind) '\(name)' in virtual host '\(virtualHost.name)'."
                    + NearestName.suggestion(name, among: known.sorted()))
        }
        if firehose { return try await firehosePlan(isQueue: isQueue, client) }
        if isQueue {
            if !key.isEmpty { throw ControlError("--key is for exchanges: a queue is watched by its own bindings") }
            return TailPlan(queue: name, topology)
        }
        guard let source, !name.isEmpty else {
            throw ControlError("nothing can be bound to the default exchange: try --firehose")
        }
        guard TailPlan.mayBeWatched(source) else {
            throw ControlError(
                "exchange '\(name)' (\(source.type)) shares messages out, and would give some to the watcher: try "
                    + "--firehose"
            )
        }
        return TailPlan(exchange: source, keys: key, topology)
    }

    private func firehosePlan(isQueue: Bool, _ client: ManagementClient) async throws -> TailPlan {
        let host = try await client.get(APIPath("vhosts", virtualHost.name))
        guard host["tracing"].flag else {
            throw ControlError(
                "virtual host '\(virtualHost.name)' has tracing off: leveretctl vhosts update "
                    + "\(Shell.quoted(virtualHost.name)) --tracing on")
        }
        var plan = TailPlan(
            exchange: TopologySnapshot.Exchange(name: "amq.rabbitmq.trace", type: "topic"),
            keys: [(isQueue ? "deliver." : "publish.") + name], TopologySnapshot())
        plan.notes = []
        return plan
    }

    private func watch(_ connection: Connection, _ plan: TailPlan) async throws {
        let channel = try await connection.channel()
        let queue = try await channel.declareQueue(
            options: QueueOptions(
                durable: false, exclusive: true, autoDelete: true, arguments: ["x-max-length": 10_000])
        ).name
        let deliveries = try await channel.consume(queue: queue, options: ConsumeOptions(autoAck: true))
        for binding in plan.bindings {
            try await channel.bindQueue(
                queue, to: binding.source, routingKey: binding.key, arguments: FieldTable(json: binding.arguments))
        }
        let limit = count ?? Int.max
        let output = output
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var shown = 0
                for try await delivery in deliveries {
                    Self.show(JSONValue(delivery), output)
                    shown += 1
                    if shown >= limit { return }
                }
            }
            if let seconds {
                group.addTask { try await Task.sleep(for: .seconds(seconds)) }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private static func show(_ message: JSONValue, _ output: OutputOptions) {
        if output.json { return StandardOutput.write(message.compact + "\n") }
        if output.quiet { return StandardOutput.write(message["payload"].cell + "\n") }
        Report.write(MessageText(message: message).lines)
    }
}
