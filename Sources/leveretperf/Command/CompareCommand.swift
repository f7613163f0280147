import ArgumentParser
import Console
import JSON

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "The same runs against several brokers, in turns, as a table of medians.",
        discussion: """
            Runs go A B A B, so that what else happens on the machine meets all of them alike. Ratios are the first \
            broker's figure divided by the other's: above 1 is better for rates, below 1 for times and costs.

            EXAMPLES
              leveretperf compare amqp://127.0.0.1:5672 amqp://127.0.0.1:5690
              leveretperf compare --scenario throughput --scenario latency --runs 5 --chart compare.svg \
            --pid 1201 --pid 1305 amqp://127.0.0.1:5672 amqp://127.0.0.1:5690
            """)

    @Argument(help: ArgumentHelp("The brokers; or --uri several times.", valueName: "uri"))
    var brokers: [String] = []

    @Option(name: .customLong("uri"), help: ArgumentHelp("A broker; several times.", valueName: "uri"))
    var uris: [String] = []

    @Option(
        name: .customLong("pid"),
        help: ArgumentHelp("Process of the first broker, of the second, and so on; several: 12,13.", valueName: "pid"))
    var processes: [ProcessList] = []

    @Option(name: .customLong("name"), help: ArgumentHelp("A name for the first, the second.", valueName: "text"))
    var names: [String] = []

    @Option(help: ArgumentHelp("Runs against each broker.", valueName: "n"))
    var runs = Count(5)

    @Option(
        name: .customLong("scenario"),
        help: ArgumentHelp("What is run; several times (default: throughput).", valueName: "scenario"))
    var scenarios: [Scenario] = []

    @OptionGroup var load: LoadOptions
    @OptionGroup var connections: ConnectionsOptions
    @OptionGroup var output: RunOptions

    private static let example = "compare amqp://127.0.0.1:5672 amqp://127.0.0.1:5690"

    func run() throws {
        let uris = brokers + self.uris
        try check(uris)
        let plans = try (scenarios.isEmpty ? [.throughput] : scenarios).map { scenario in
            try uris.indices.map { index in
                try ScenarioRun(
                    scenario, uris[index], processes: index < processes.count ? processes[index].processes : [],
                    load: load, connections: connections, output: output)
            }
        }
        var products = Array(repeating: "", count: uris.count)
        var groups: [Comparison.Group] = []
        for plan in plans {
            var group = Comparison.Group(
                scenario: plan[0].scenario, runs: Array(repeating: [], count: uris.count))
            for number in 1...runs.value {
                for (index, run) in plan.enumerated() {
                    let outcome = try run.run()
                    products[index] = outcome.product
                    group.runs[index].append(outcome.metrics)
                    note(run, number, outcome)
                    if case .load(let result) = outcome { try ScenarioRun.checkClean(result) }
                }
            }
            groups.append(group)
        }
        let comparison = Comparison(
            brokers: brokerNames(products, plans[0].map(\.options.place)), groups: groups)
        if let chart = output.chart { try ChartFile.write(comparison.svg, to: chart) }
        TextOutput.standard.write(output.json ? comparison.json.compact + "\n" : comparison.text)
    }

    private func check(_ uris: [String]) throws(PerfError) {
        guard (2...8).contains(uris.count) else {
            throw .usage(
                "\(Quantity.count(uris.count, "broker")) cannot be compared: 2 to 8 can", example: Self.example)
        }
        guard (1...1000).contains(runs.value) else {
            throw .usage("--runs \(runs.value) is not within 1 to 1000", example: Self.example + " --runs 5")
        }
        guard processes.isEmpty || processes.count == uris.count else {
            throw .usage(
                "--pid must be given for each broker, in their order",
                example: Self.example + " --pid 1201 --pid 1305")
        }
        guard names.isEmpty || names.count == uris.count else {
            throw .usage(
                "--name must be given for each broker, in their order", example: Self.example + " --name a --name b")
        }
    }

    /// What somebody who waits wants to know after each run.
    private func note(_ run: ScenarioRun, _ number: Int, _ outcome: ScenarioRun.Outcome) {
        guard let first = outcome.metrics.first else { return }
        TextOutput.error.write(
            "\(run.scenario.rawValue) \(number) of \(runs.value), \(printable(outcome.product)) at "
                + "\(printable(run.options.place)): \(first.name) \(first.text)\n")
    }

    /// The names given, else the products, or the places where two have the same.
    private func brokerNames(_ products: [String], _ places: [String]) -> [Comparison.Broker] {
        zip(products, places).enumerated().map { index, broker in
            let (product, place) = broker
            let isAlone = products.count { $0 == product } == 1 && !product.isEmpty
            let name = index < names.count ? names[index] : isAlone ? product : place
            return Comparison.Broker(name: printable(name), place: printable(place))
        }
    }
}
