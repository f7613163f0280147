import ArgumentParser
import Console
import Glibc
import JSON

/// The `leveretperf` command.
///
/// Exit code 0: done; 1: the arguments are wrong; 2: the broker could not be reached, refused or closed; 3: the time
/// was over; 4: `--verify` found faults; 130: interrupted. With one line on standard error that says why.
struct LeveretPerf: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leveretperf",
        abstract: "Measures AMQP 0-9-1 brokers: rates, latencies, memory, and whether every message arrives.",
        discussion: """
            Works with any broker that speaks AMQP 0-9-1. Each run declares queues of its own and removes them.

            EXAMPLES
              leveretperf throughput                               as fast as it goes, for 5 seconds
              leveretperf latency --rate 5000 --chart latency.svg  percentiles, and their picture
              leveretperf throughput --verify                      is anything lost, doubled or reordered?
              leveretperf compare amqp://127.0.0.1 amqp://127.0.0.1:5690
                                                                   two brokers, in turns
              leveretperf help latency                             all options of a scenario

            Exit code 0: done; 1: wrong arguments; 2: the broker refused or closed; 3: out of time; \
            4: --verify found faults; 130: interrupted.
            """,
        subcommands: [
            ThroughputCommand.self, LatencyCommand.self, FanoutCommand.self, BacklogCommand.self,
            ConnectionsCommand.self, CompareCommand.self,
        ])

    /// Runs what the arguments ask for. Returns the exit code.
    static func run(_ arguments: [String]) -> Int32 {
        do {
            var command = try parseAsRoot(arguments)
            Interruption.block()
            try command.run()
            return 0
        } catch let error as PerfError {
            return fail(error, isJSON: arguments.contains("--json"))
        } catch let code as ExitCode {
            return code.rawValue
        } catch {
            guard exitCode(for: error) == .success else {
                return fail(PerfError(.usage, usageError(message(for: error), arguments)), isJSON: false)
            }
            TextOutput.standard.write(fullMessage(for: error) + "\n")
            return 0
        }
    }

    private static func fail(_ error: PerfError, isJSON: Bool) -> Int32 {
        TextOutput.error.write("leveretperf: \(error.message)\n")
        // What --verify found is in the report already.
        if isJSON, error.kind != .unclean {
            var line = JSONObject()
            line.add("error", error.message)
            if let code = error.replyCode { line.add("code", Int(code)) }
            TextOutput.standard.write(line.compact + "\n")
        }
        return error.kind.rawValue
    }

    /// An example for each option whose value may be wrong.
    private static let examples: [(option: String, example: String)] = [
        ("--uri", "throughput --uri amqp://guest:guest@127.0.0.1:5672/"),
        ("--pid", "throughput --pid $(pidof leveret)"), ("--producers", "throughput --producers 2"),
        ("--consumers", "throughput --consumers 2"), ("--queues", "throughput --queues 4 --pin"),
        ("--channels", "throughput --channels 4"), ("--body-size", "throughput --body-size 1k"),
        ("--duration", "throughput --duration 10"), ("--warmup", "throughput --warmup 2"),
        ("--messages", "backlog --messages 1m"), ("--rate", "latency --rate 5k"),
        ("--confirm", "throughput --persistent --confirm 1000"),
        ("--ack", "throughput --ack multi:100 --prefetch 1000"), ("--prefetch", "throughput --ack each --prefetch 100"),
        ("--exchange-type", "throughput --exchange-type topic --bindings 1000"),
        ("--bindings", "fanout --bindings 100"), ("--keys", "throughput --exchange-type topic --keys 1000"),
        ("--words", "throughput --exchange-type topic --words 64"),
        ("--queue-type", "throughput --queue-type quorum"), ("--threads", "throughput --producers 4 --threads 2"),
        ("--frame-max", "throughput --frame-max 131072"), ("--drain-timeout", "throughput --verify --drain-timeout 10"),
        ("--count", "connections --count 5000"), ("--concurrency", "connections --concurrency 8"),
        ("--hold", "connections --hold 3"), ("--timeout", "throughput --timeout 60"),
        ("--chart", "latency --chart latency.svg"), ("--prefix", "throughput --prefix test"),
        ("--runs", "compare --runs 5 amqp://127.0.0.1:5672 amqp://127.0.0.1:5690"),
        ("--scenario", "compare --scenario latency amqp://127.0.0.1:5672 amqp://127.0.0.1:5690"),
        ("--name", "compare --name one --name two amqp://127.0.0.1:5672 amqp://127.0.0.1:5690"),
    ]

    /// The parser's message as one line with an example of the option that it names.
    static func usageError(_ message: String, _ arguments: [String]) -> String {
        let line = message.split(separator: "\n").joined(separator: " ")
        let sentence = line.hasSuffix(".") || line.hasSuffix("?") ? line : line + "."
        let words = line.split { !($0.isLetter || $0 == "-") }
        let named = examples.last { example in words.contains { $0 == example.option } }
        let scenario = arguments.first { $0 == "compare" || Scenario(rawValue: $0) != nil }
        let plain = scenario == "compare" ? "compare amqp://127.0.0.1:5672 amqp://127.0.0.1:5690" : scenario
        return "\(sentence) For example: leveretperf \(named?.example ?? plain ?? "throughput --duration 10")"
    }
}

@main
enum Main {
    static func main() {
        exit(LeveretPerf.run(Array(CommandLine.arguments.dropFirst())))
    }
}
