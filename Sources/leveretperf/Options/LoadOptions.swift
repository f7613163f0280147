import ArgumentParser

/// What makes a load; each scenario has its own defaults for what is not given.
struct LoadOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Publishing connections (default: 1).", valueName: "n"))
    var producers: Count?

    @Option(help: ArgumentHelp("Consuming connections; 0 only publishes (default: 1).", valueName: "n"))
    var consumers: Count?

    @Option(help: ArgumentHelp("Queues (default: 1; with a topic or headers exchange up to 10).", valueName: "n"))
    var queues: Count?

    @Flag(help: "Producer p publishes to queue p modulo QUEUES only, not to all in turn.")
    var pin = false

    @Option(help: ArgumentHelp("Channels of each consuming connection.", valueName: "n"))
    var channels = Count(1)

    @Option(help: ArgumentHelp("Bytes of a message's body.", valueName: "bytes"))
    var bodySize = Count(16)

    @Option(help: ArgumentHelp("Seconds that are measured (default: 5).", valueName: "seconds"))
    var duration: Seconds?

    @Option(help: ArgumentHelp("Seconds before that, which are not (default: 1).", valueName: "seconds"))
    var warmup: Seconds?

    @Option(help: ArgumentHelp("So many messages instead of a time (backlog: 1m).", valueName: "n"))
    var messages: Count?

    @Option(
        help: ArgumentHelp("Messages a second over all producers, at fixed times (latency: 5000).", valueName: "n"))
    var rate: Count?

    @Flag(help: "Persistent messages in durable queues.")
    var persistent = false

    @Flag(help: "Durable queues, whatever the messages are.")
    var durable = false

    @Option(help: ArgumentHelp("Publisher confirms; at most so many unconfirmed a producer.", valueName: "n"))
    var confirm: Count?

    @Option(help: ArgumentHelp("When consumers ack: auto, each or multi:N.", valueName: "when"))
    var ack = Acknowledgement.auto

    @Option(help: ArgumentHelp("Unacked messages a consumer may have; 0: no limit.", valueName: "n"))
    var prefetch = Count(0)

    @Option(help: ArgumentHelp("default, direct, fanout, topic or headers.", valueName: "type"))
    var exchangeType: ExchangeKind?

    @Option(
        help: ArgumentHelp("Bindings (default: 10): the queues of fanout; else spread over --queues.", valueName: "n"))
    var bindings: Count?

    @Option(help: ArgumentHelp("Topic, headers: different messages (default: as --bindings).", valueName: "n"))
    var keys: Count?

    @Option(help: ArgumentHelp("Topic, headers: different words (default: 2 * sqrt(BINDINGS)).", valueName: "n"))
    var words: Count?

    @Option(help: ArgumentHelp("Queue type: classic or quorum (default: the broker's).", valueName: "type"))
    var queueType: String?

    @Flag(help: "Check that nothing is lost, doubled, reordered or damaged; else exit code 4.")
    var verify = false

    @Option(help: ArgumentHelp("Threads of this tool; its connections are spread over them.", valueName: "n"))
    var threads = Count(1)

    @Option(help: ArgumentHelp("Largest frame to agree on.", valueName: "bytes"))
    var frameMax = Count(131_072)

    @Option(help: ArgumentHelp("Give up on missing deliveries after so long without any.", valueName: "seconds"))
    var drainTimeout = Seconds(5)
}

/// What `connections` does.
struct ConnectionsOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Connections to open.", valueName: "n"))
    var count = Count(1000)

    @Option(help: ArgumentHelp("Threads that open them.", valueName: "n"))
    var concurrency = Count(4)

    @Option(help: ArgumentHelp("Seconds to hold them.", valueName: "seconds"))
    var hold = Seconds(1)

    @Flag(help: "Connections only: no channel, queue and consumer in each.")
    var bare = false
}

/// How a run is reported and bounded.
struct RunOptions: ParsableArguments {
    @Flag(help: "One line of JSON on standard output instead of text.")
    var json = false

    @Option(help: ArgumentHelp("Write a chart as SVG.", valueName: "file"))
    var chart: String?

    @Flag(help: "Show the line of progress though standard error is no terminal.")
    var progress = false

    @Option(help: ArgumentHelp("Give up, with exit code 3, after so long.", valueName: "seconds"))
    var timeout = Seconds(300)

    @Option(help: ArgumentHelp("Begin of the names of queues and exchanges.", valueName: "text"))
    var prefix: String?

    @Flag(help: "Leave the queues and exchanges there.")
    var keep = false
}

/// The one broker of a scenario.
struct BrokerOptions: ParsableArguments {
    static let defaultURI = "amqp://guest:guest@127.0.0.1:5672/"

    @Option(help: ArgumentHelp("The broker.", valueName: "uri"))
    var uri = BrokerOptions.defaultURI

    @Option(
        help: ArgumentHelp(
            "Process of the broker on this machine, for its CPU and memory; several: 12,13.", valueName: "pid"))
    var pid: [ProcessList] = []

    var processes: [Int32] { pid.flatMap(\.processes) }
}

/// Process numbers with commas between them.
struct ProcessList: ExpressibleByArgument, Equatable {
    let processes: [Int32]

    init?(argument: String) {
        let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int32($0) }
        guard !numbers.isEmpty, numbers.count <= 64, numbers.allSatisfy({ ($0 ?? 0) > 0 }) else { return nil }
        processes = numbers.compactMap(\.self)
    }
}
