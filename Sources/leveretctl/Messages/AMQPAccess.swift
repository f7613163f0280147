import ArgumentParser
import LeveretClient

/// How to speak AMQP with the broker, for what its HTTP API cannot do.
struct AMQPOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "AMQP's address, such as amqp://host:5672; else what the HTTP API says of its listeners. User and "
                + "password are those of the HTTP API.", valueName: "url"))
    var amqpUrl: String?

    func connect(_ client: ManagementClient, virtualHost: String) async throws -> Connection {
        var options = try await address(client)
        options.user = client.endpoint.user
        options.password = client.endpoint.password
        options.virtualHost = virtualHost
        options.connectionName = "leveretctl"
        do {
            return try await Connection.connect(options)
        } catch let error as LeveretError {
            throw ControlError.of(error)
        }
    }

    private func address(_ client: ManagementClient) async throws -> ConnectionOptions {
        if let amqpUrl {
            guard !amqpUrl.contains("@") else {
                throw ControlError(
                    "--amqp-url is without user and password: those are --user and LEVERET_PASSWORD")
            }
            do {
                return try ConnectionOptions(uri: amqpUrl)
            } catch {
                throw ControlError.of(error)
            }
        }
        let listeners = try await client.get(APIPath("overview"))["listeners"].items
        guard let port = listeners.first(where: { $0["protocol"].text == "amqp" })?["port"].wholeNumber else {
            throw ControlError(
                "the broker at \(client.endpoint.address) tells of no AMQP listener without TLS: say where it is with "
                    + "--amqp-url amqp://host:5672")
        }
        return ConnectionOptions(host: client.endpoint.host, port: port)
    }
}

extension ControlError {
    static func of(_ error: LeveretError) -> ControlError {
        let reason = error.replyText.map { "\(error.message) (\($0))" } ?? error.message
        return ControlError("over AMQP: \(reason) \(error.advice)")
    }
}
