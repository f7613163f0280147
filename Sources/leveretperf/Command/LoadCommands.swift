import ArgumentParser

/// A scenario that is a load with defaults of its own.
protocol LoadCommand: ParsableCommand {
    static var scenario: Scenario { get }
    var broker: BrokerOptions { get }
    var load: LoadOptions { get }
    var output: RunOptions { get }
}

extension LoadCommand {
    func run() throws {
        let run = try ScenarioRun(
            Self.scenario, broker.uri, processes: broker.processes, load: load, connections: nil, output: output)
        try run.report()
    }
}

struct ThroughputCommand: LoadCommand {
    static let scenario = Scenario.throughput
    static let configuration = CommandConfiguration(
        commandName: "throughput",
        abstract: "Producers and consumers, as fast as possible or at --rate.",
        discussion: """
            Without --pin a producer publishes to all queues in turn. There are as many subscriptions as the larger of \
            consumers and queues. What is published counts when the socket takes it; use --confirm for a rate that \
            the broker has vouched for. With --exchange-type topic or headers, --bindings patterns are made such that \
            each message matches about one.

            EXAMPLES
              leveretperf throughput --pid $(pidof leveret)
              leveretperf throughput --producers 2 --consumers 2 --queues 2 --pin --body-size 1k
              leveretperf throughput --persistent --confirm 1000 --ack each --prefetch 1000
              leveretperf throughput --ack multi:100 --prefetch 1000 --verify
              leveretperf throughput --exchange-type topic --bindings 1000 --confirm 1000
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var output: RunOptions
}

struct LatencyCommand: LoadCommand {
    static let scenario = Scenario.latency
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "How long messages take at a given rate, as percentiles.",
        discussion: """
            Messages have fixed times, whatever the broker does, and latencies count from these times: a broker that \
            stands still pays for every message that waited (no coordinated omission). "sent late" is what of it was \
            this tool's own doing. With --confirm also the time until the confirm.

            EXAMPLES
              leveretperf latency
              leveretperf latency --rate 20k --duration 30 --chart latency.svg
              leveretperf latency --persistent --confirm 1000 --ack each --prefetch 1000
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var output: RunOptions
}

struct FanoutCommand: LoadCommand {
    static let scenario = Scenario.fanout
    static let configuration = CommandConfiguration(
        commandName: "fanout",
        abstract: "One message to many queues, each with a consumer.",
        discussion: """
            Every message goes to all --bindings queues; their consumers share --consumers connections. A direct, \
            topic or headers exchange does the same by bindings that match every message.

            EXAMPLES
              leveretperf fanout --bindings 100
              leveretperf fanout --bindings 1000 --consumers 1000
              leveretperf fanout --exchange-type topic --bindings 50 --verify
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var output: RunOptions
}

struct BacklogCommand: LoadCommand {
    static let scenario = Scenario.backlog
    static let configuration = CommandConfiguration(
        commandName: "backlog",
        abstract: "Fills queues without a consumer, then drains them.",
        discussion: """
            Shows the rate of each tenth on both ways, and with --pid what a message costs in memory.

            EXAMPLES
              leveretperf backlog --messages 1m --body-size 100 --pid $(pidof leveret)
              leveretperf backlog --persistent --confirm 1000 --ack multi:100 --prefetch 1000
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var output: RunOptions
}

struct ConnectionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connections",
        abstract: "Opens many connections, holds and closes them.",
        discussion: """
            Each has a channel, an exclusive queue and a consumer, unless it is --bare.

            EXAMPLES
              leveretperf connections --count 5000 --hold 3 --pid $(pidof leveret)
              leveretperf connections --count 10k --bare
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var connections: ConnectionsOptions
    @OptionGroup var output: RunOptions

    func run() throws {
        let run = try ScenarioRun(
            .connections, broker.uri, processes: broker.processes, load: nil, connections: connections, output: output)
        try run.report()
    }
}
