import LeveretClient

/// Prints what is published to the topic exchange `news` under a pattern, until it is stopped.
///
///     swift run Subscribe "sports.*"
///
/// `*` stands for one word, `#` for any number of words; without an argument it prints everything.
@main
enum Subscribe {
    static func main() async throws {
        let pattern = CommandLine.arguments.dropFirst().first ?? "#"

        let connection = try await Connection.connect(to: "amqp://guest:guest@127.0.0.1:5672/")
        let channel = try await connection.channel()
        try await channel.declareExchange("news", type: .topic)

        // A queue of our own: it gets a copy of each message that matches, and goes when we go.
        let queue = try await channel.declareQueue(options: .temporary)
        try await channel.bindQueue(queue.name, to: "news", routingKey: pattern)
        print("waiting for \(pattern)")

        for try await delivery in try await channel.consume(queue: queue.name, prefetch: 20) {
            print("\(delivery.routingKey): \(delivery.text)")
            try await delivery.ack()
        }
    }
}
