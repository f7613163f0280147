import AMQPWire
import Broker

#if canImport(Glibc)
    import Glibc
#endif

/// `EngineBenchmark SCENARIO COUNT` publishes that many messages through one shard without sockets and prints the
/// nanoseconds a message; `--list` names the scenarios. See Tests/Benchmarks/run.sh.
@main
enum EngineBenchmark {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "--list" {
            for scenario in Scenario.all { print(scenario.name) }
            return
        }
        guard arguments.count == 2, let name = arguments.first, let count = arguments.last.flatMap({ Int($0) }),
            let scenario = Scenario.all.first(where: { $0.name == name })
        else {
            print("usage: EngineBenchmark SCENARIO COUNT, for example: EngineBenchmark auto-ack-16 1000000")
            exit(2)
        }
        let bench = ShardBench(scenario)
        bench.publish(count / 10)
        let start = nanoseconds()
        let published = bench.publish(count)
        print((nanoseconds() - start) / UInt64(max(1, published)))
    }

    private static func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// What is published and how it is taken.
struct Scenario {
    let name: String
    var bodyByteCount = 16
    var exchange: ShortString = ""
    var routingKey: ShortString = "queue-0"
    /// What the queues are bound with; empty for the default exchange.
    var bindingKey: ShortString = ""
    var queueCount = 1
    var acks = false
    var confirms = false

    static let all = [
        Scenario(name: "auto-ack-16"),
        Scenario(name: "auto-ack-1024", bodyByteCount: 1024),
        Scenario(name: "ack-16", acks: true),
        Scenario(name: "confirm-16", confirms: true),
        Scenario(name: "fanout-10", exchange: "amq.fanout", queueCount: 10),
        Scenario(name: "topic-1", exchange: "amq.topic", routingKey: "a.b.c", bindingKey: "a.*.c"),
    ]
}
