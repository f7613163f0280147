import ArgumentParser
import Console
import JSON

/// `leveretctl route`.
struct RouteCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "route", "Which queues a message would reach, and by which bindings.",
        notes: """
            Nothing is published. The bindings come from the broker, and are matched here by the
            broker's own code: through exchange-to-exchange bindings and alternate exchanges.
            "" is the default exchange.

            Exit code 1: it would reach no queue.
            """,
        examples: [
            "leveretctl route orders order.created",
            "leveretctl route documents '' --header type=invoice --header pages=3",
            "leveretctl route '' billing", "leveretctl route orders order.created --json",
        ])

    @Argument(help: "The exchange that it is published to.") var exchange: String
    @Argument(help: "Its routing key.") var key = ""
    @Option(
        name: [.long, .customShort("H")],
        help: ArgumentHelp("A header of the message, as often as needed.", valueName: "key=value"))
    var header: [String] = []
    @OptionGroup var virtualHost: VirtualHostOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ServerOptions

    func run(_ client: ManagementClient) async throws {
        let message = ProbeMessage(routingKey: key, headers: try Assignments.json(header, option: "--header"))
        let topology = try await TopologySnapshot(client, virtualHost: virtualHost.name)
        let name = exchange == "amq.default" ? "" : exchange
        guard let source = topology.exchanges[name] else {
            throw await client.missing(.exchange, exchange, in: virtualHost.name)
        }
        topology.notes.forEach(Report.note)
        var finder = RouteFinder(topology, message)
        let tree = finder.find(from: name)
        let (queues, possible) = (finder.queues.sorted(), finder.possibleQueues.sorted())
        if output.json {
            Report.write([
                "exchange": .string(name), "routing_key": .string(key), "headers": message.headers,
                "queues": .array(queues.map { .string($0) }),
                "possible_queues": .array(possible.map { .string($0) }), "steps": .array(finder.steps),
            ])
        } else if output.quiet {
            Report.write((queues + possible).map(printable))
        } else {
            Report.write(tree.lines(width: Terminal.size?.columns) + [summary(queues, possible)])
            if source.arguments["x-delayed-type"].text != nil {
                Report.note("exchange '\(name)' holds a message back for its header x-delay")
            }
        }
        if queues.isEmpty && possible.isEmpty { throw ExitCode(1) }
    }

    private func summary(_ queues: [String], _ possible: [String]) -> String {
        let sure = "\(Quantity.count(queues.count, "queue")): \(queues.joined(separator: ", "))"
        let some = possible.joined(separator: ", ")
        let text =
            switch (queues.isEmpty, possible.isEmpty) {
            case (true, true): "reaches no queue: dropped, or returned to its publisher when it is mandatory"
            case (false, true): "reaches \(sure)"
            case (true, false): "reaches some of: \(some)"
            case (false, false): "reaches \(sure); and some of: \(some)"
            }
        return printable(text)
    }
}
