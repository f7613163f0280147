import LeveretClient

/// Publishes to the topic exchange `news`, and makes sure that the broker has each message.
///
///     swift run Publish sports.football "Home team wins"
///
/// Without arguments it publishes three messages of its own. Start `Subscribe` first to see them come.
@main
enum Publish {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let news =
            arguments.count == 2
            ? [(key: arguments[0], text: arguments[1])]
            : [
                (key: "sports.football", text: "Home team wins"),
                (key: "sports.tennis", text: "Rain stops play"),
                (key: "weather.north", text: "Rain"),
            ]

        let connection = try await Connection.connect(to: "amqp://guest:guest@127.0.0.1:5672/")
        let channel = try await connection.channel()
        try await channel.declareExchange("news", type: .topic)
        try await channel.enableConfirms()

        for (key, text) in news {
            do {
                try await channel.publishConfirmed(
                    body: text, exchange: "news", routingKey: key, properties: .persistent, mandatory: true)
                print("published \(key): \(text)")
            } catch let error as LeveretError where error.code == .returned {
                print("nobody subscribes to \(key)")
            }
        }
        try await connection.close()
    }
}
