import AMQPWire
import Broker

#if canImport(Glibc)
    import Glibc
#endif

/// `EngineBenchmark SCENARIO COUNT` sends that many messages through one shard without sockets and prints the
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
        let step: (Int) -> Int
        if scenario.onlyEncodes {
            step = EncodeBench(bodyByteCount: scenario.bodyByteCount).encode
        } else {
            step = ShardBench(scenario).publish
        }
        _ = step(count / 10)
        let start = nanoseconds()
        let done = step(count)
        print((nanoseconds() - start) / UInt64(max(1, done)))
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
    /// In turn: with more than one, each message is routed anew.
    var routingKeys: [ShortString] = ["queue-0"]
    /// What the queues are bound with; nothing for the default exchange.
    var bindingKeys: [ShortString] = []
    /// Of the messages, and of the bindings.
    var headers = FieldTable()
    /// Each message has another one.
    var hasMessageIDs = false
    var queueCount = 1
    var acks = false
    var confirms = false
    /// Persistent messages on a durable queue: records for the journal are made, and taken at once.
    var isPersistent = false
    var isConsumed = true
    /// Without a shard.
    var onlyEncodes = false

    private static let manyKeys = (0..<1000).map { ShortString(truncating: "key-\($0)") }

    static let all = [
        // Frames found, checked and decoded; routed to nothing.
        Scenario(name: "decode-16", exchange: "amq.fanout", isConsumed: false),
        Scenario(name: "encode-16", onlyEncodes: true),
        Scenario(name: "auto-ack-16"),
        Scenario(name: "auto-ack-1024", bodyByteCount: 1024),
        Scenario(name: "message-id-16", hasMessageIDs: true),
        Scenario(name: "enqueue-16", isConsumed: false),
        Scenario(name: "ack-16", acks: true),
        Scenario(name: "confirm-16", confirms: true),
        Scenario(name: "persistent-16", acks: true, confirms: true, isPersistent: true),
        Scenario(
            name: "direct-2", exchange: "amq.direct", routingKeys: ["key-1", "key-2"], bindingKeys: ["key-1", "key-2"]),
        // More keys than a channel remembers.
        Scenario(
            name: "direct-1000", exchange: "amq.direct", routingKeys: manyKeys, bindingKeys: manyKeys),
        Scenario(name: "fanout-10", exchange: "amq.fanout", bindingKeys: [""], queueCount: 10),
        Scenario(name: "topic-1", exchange: "amq.topic", routingKeys: ["a.b.c"], bindingKeys: ["a.*.c"]),
        Scenario(
            name: "topic-2", exchange: "amq.topic", routingKeys: ["a.b.c", "a.d.c"], bindingKeys: ["a.*.c", "#.x"]),
        Scenario(name: "headers-1", exchange: "amq.headers", bindingKeys: [""], headers: ["format": .string("pdf")]),
    ]
}
