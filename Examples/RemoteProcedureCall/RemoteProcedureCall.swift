import LeveretClient

/// A call through the broker: the caller publishes a request and awaits the reply on a queue of its own.
///
///     swift run RemoteProcedureCall 20
///
/// Server and caller are in one program here, each with its channel; usually they are two.
@main
enum RemoteProcedureCall {
    static func main() async throws {
        let number = CommandLine.arguments.dropFirst().first ?? "20"
        let connection = try await Connection.connect(to: "amqp://guest:guest@127.0.0.1:5672/")
        let requests = try await connection.channel()
        try await requests.declareQueue("fibonacci")

        let server = Task { try await serve(requests) }
        print("fibonacci(\(number)) = \(try await call(number, on: try await connection.channel()))")
        server.cancel()
        try await connection.close()
    }

    /// One request at a time: further servers on the same queue share the work.
    static func serve(_ channel: Channel) async throws {
        for try await request in try await channel.consume(queue: "fibonacci", prefetch: 1) {
            if let replyTo = request.properties.replyTo {
                try await channel.publish(
                    body: Int(request.text).map { "\(fibonacci($0))" } ?? "that is no number",
                    routingKey: replyTo,
                    properties: MessageProperties(correlationID: request.properties.correlationID))
            }
            try await request.ack()
        }
    }

    static func call(_ argument: String, on channel: Channel) async throws -> String {
        let replyQueue = try await channel.declareQueue(options: .temporary)
        let replies = try await channel.consume(queue: replyQueue.name, options: ConsumeOptions(autoAck: true))
        let id = "\(UInt64.random(in: 0...UInt64.max))"
        try await channel.publish(
            body: argument, routingKey: "fibonacci",
            properties: MessageProperties(correlationID: id, replyTo: replyQueue.name))
        for try await reply in replies where reply.properties.correlationID == id { return reply.text }
        return "no reply: the channel was closed"
    }

    static func fibonacci(_ number: Int) -> Int {
        var (current, next) = (0, 1)
        for _ in 0..<max(0, min(number, 90)) { (current, next) = (next, current + next) }
        return current
    }
}
