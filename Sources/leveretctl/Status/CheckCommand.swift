import ArgumentParser
import JSON

/// `leveretctl check`.
struct CheckCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "check", "Whether the broker is healthy: each check with its result.",
        notes: """
            Checks that the broker does not have are named and do not fail.

            Exit code 0: all passed; 1: at least one failed; 2: the broker cannot be asked.
            """,
        examples: [
            "leveretctl check", "leveretctl check alarms virtual-hosts", "leveretctl check --quiet && echo healthy",
            "leveretctl check --json",
        ])

    /// What is asked without arguments. Ports, protocols and certificates are asked for by name.
    private static let usual = [
        "alarms", "local-alarms", "virtual-hosts", "is-in-service", "ready-to-serve-clients",
        "node-is-quorum-critical",
    ]

    @Argument(
        help: ArgumentHelp(
            "Only these: alarms, local-alarms, virtual-hosts, is-in-service, ready-to-serve-clients, "
                + "node-is-quorum-critical, port-listener/5672, protocol-listener/amqp, "
                + "certificate-expiration/1/weeks, aliveness.", valueName: "check"))
    var checks: [String] = []
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ServerOptions

    private enum Outcome: String { case passed, failed, unavailable = "not available" }

    func run(_ client: ManagementClient) async throws {
        var results: [(name: String, outcome: Outcome, reason: String)] = []
        for name in checks.isEmpty ? Self.usual + ["aliveness"] : checks {
            results.append(try await result(of: name, client))
        }
        // Silence is not health.
        guard results.contains(where: { $0.outcome != .unavailable }) else {
            throw ControlError("\(client.endpoint.address) has none of these checks. Is it a broker's HTTP API?")
        }
        let hasFailed = results.contains { $0.outcome == .failed }
        if output.json {
            let list = results.map { result -> JSONValue in
                [
                    "check": .string(result.name), "result": .string(result.outcome.rawValue),
                    "reason": .string(result.reason),
                ]
            }
            Report.write(["status": hasFailed ? "failed" : "ok", "checks": .array(list)])
        } else {
            var table = Table(columns: [.init(title: "check"), .init(title: "result"), .init(title: "reason")])
            table.rows = results.filter { !output.quiet || $0.outcome == .failed }
                .map { [$0.name, $0.outcome.rawValue, $0.reason] }
            if !table.rows.isEmpty {
                Report.write(table.lines(width: Terminal.size?.columns, hasTitles: !output.quiet))
            }
        }
        if hasFailed { throw ExitCode(1) }
    }

    private func result(
        of name: String, _ client: ManagementClient
    ) async throws -> (name: String, outcome: Outcome, reason: String) {
        let words = name.split(separator: "/").map(String.init)
        let known = Self.usual + ["aliveness", "port-listener", "protocol-listener", "certificate-expiration"]
        guard let first = words.first, known.contains(first) else {
            throw ControlError(
                "there is no check '\(name)'.\(NearestName.suggestion(name, among: known)) See: leveretctl check --help"
            )
        }
        let path = first == "aliveness" ? APIPath("aliveness-test", "/") : APIPath(["health", "checks"] + words)
        let answer = try await client.answer(to: path)
        if answer.status == 200 { return (name, .passed, "") }
        let error = ServerError(status: answer.status, body: answer.body, request: "GET /api\(path)")
        // RabbitMQ answers a path below /api that it does not know with any of these.
        if [404, 405, 406].contains(answer.status) { return (name, .unavailable, "this broker does not have it") }
        guard answer.status == 503 else { throw error }
        let alarms = ((try? JSONValue(parsing: answer.body)) ?? .null)["alarms"].items.map { alarm in
            [alarm["resource"].text, alarm["node"].text].compactMap { $0 }.joined(separator: " on ")
        }
        let list = alarms.filter { !$0.isEmpty }.joined(separator: ", ")
        return (name, .failed, error.reason + (list.isEmpty ? "" : ": \(list)"))
    }
}
