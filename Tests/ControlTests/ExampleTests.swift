import ArgumentParser
import Foundation
import JSON
import LeveretClient
import Processes
import Testing

@testable import leveretctl

/// Every example of every help text, as a shell runs it, against a broker with a world to try them on.
@Suite(.serialized) struct ExampleTests {
    /// The address of a broker's HTTP API to use instead of the built `leveret`: RabbitMQ's, for example.
    private static let url = ProcessInfo.processInfo.environment["LEVERET_TEST_URL"]

    /// Leveret alone has these.
    private static let own = ["queues pause", "queues resume", "queues unacked", "settings", "environment"]

    @Test func everyExampleRuns() async throws {
        let broker = try Self.url == nil ? Self.talkativeBroker() : nil
        let world = try ExampleWorld(url: try #require(Self.url ?? broker?.url))
        var connections: [Connection] = []
        let names = NamedCommand.all.filter { $0.words[1] != "journal" }
        let all = names.flatMap { $0.type.configuration.examples } + RabbitmqctlName.all.map(\.example)
        var met: Set<String> = []
        for example in all where met.insert(example).inserted {
            if broker == nil, Self.own.contains(where: { example.contains("leveretctl \($0)") }) { continue }
            try world.reset()
            // Examples that close connections leave none for the next.
            if example.contains(ExampleWorld.connectionName) {
                connections.append(try await world.connect())
                let isAlone = try await world.hasOnlyConnection()
                #expect(isAlone, "\(broker?.workspace.errors.suffix(5000) ?? "")")
            }
            let result = try world.run(example)
            // Differences and unhealthy brokers are results: 1 says so where the help says it.
            let mayBeOne = ["definitions diff", "leveretctl check", "node_health_check"].contains {
                example.contains($0)
            }
            #expect(
                result.code == 0 || (mayBeOne && result.code == 1), "\(example): \(result.code)\n\(result.output)")
        }
        for connection in connections { try? await connection.close() }
    }

    private static func talkativeBroker() throws -> BrokerProcess {
        let workspace = try Workspace(settings: [BrokerProcess.smallJournal])
        let broker = try BrokerProcess(in: workspace, logLevel: "info")
        try broker.becomeReady()
        return broker
    }

    /// What failed, why, and what to do next: in one line, with nothing on standard output.
    @Test func failuresAreToldInOneLine() throws {
        let broker = try BrokerProcess()
        let world = try ExampleWorld(url: broker.url)
        try world.reset()
        let failures: [(String, String)] = [
            ("leveretctl --url http://127.0.0.1:1 ping", "connection refused. Is the broker running"),
            ("leveretctl --user nobody queues list", "give it with LEVERET_PASSWORD or --password-stdin"),
            ("LEVERET_PASSWORD=wrong leveretctl queues list", "does not let user 'guest' in"),
            (
                "leveretctl queues delete ordes --yes",
                "there is no queue 'ordes' in virtual host '/'. Did you mean 'orders'?"
            ),
            ("leveretctl queues delete orders", "nothing was done. Say --yes"),
            ("leveretctl queues list --vhost shp", "there is no virtual host 'shp'. Did you mean 'shop'?"),
            ("leveretctl exchanges delete unruted --yes", "Did you mean 'unrouted'?"),
            ("leveretctl exchanges declare orders --type direct", "inequivalent arg 'type'"),
            ("leveretctl unbind orders billing order.create --yes", "Did you mean 'order.created'?"),
            (
                "leveretctl parameters clear shovel x --yes",
                "there is no parameter 'x' of component 'shovel' in virtual host '/'. See what there is: "
            ),
            ("leveretctl tail ordrs", "there is no queue or exchange 'ordrs'"),
            ("leveretctl definitions import order.txt", "cannot read order.txt: No such file or directory"),
            ("echo '{' | leveretctl definitions import", "standard input is no JSON"),
            ("leveretctl users add x password", "Unexpected argument"),
            ("leveretctl --url http://guest:guest@127.0.0.1:1 ping", "can be read by everybody on this machine"),
        ]
        for (line, expected) in failures {
            let result = try world.run(line)
            #expect(result.code == 2, "\(line): \(result.output)")
            #expect(result.output.contains(expected), "\(line): \(result.output)")
            #expect(result.output.hasPrefix("leveretctl: "), "\(line): \(result.output)")
            #expect(result.output.filter { $0 == "\n" }.count == 1, "\(line): \(result.output)")
        }
    }

    @Test func connectionsOfOneVirtualHostAreClosed() async throws {
        let broker = try BrokerProcess()
        let world = try ExampleWorld(url: broker.url)
        try world.reset()
        let shop = try await world.connect(virtualHost: "shop")
        let other = try await world.connect()
        #expect(try world.run("leveretctl close_all_connections -p shop --limit 0 no").code == 0)
        #expect(try world.run("leveretctl connections close -p shop --of alice --yes").code == 0)
        _ = try await shop.channel()
        let result = try world.run("leveretctl close_all_connections -p shop maintenance")
        #expect(result.code == 0 && result.output == "1 connection closed\n", "\(result.output)")
        await #expect(throws: LeveretError.self) { try await shop.channel() }
        _ = try await other.channel()
        #expect(try world.run("leveretctl close_all_connections maintenance").output == "1 connection closed\n")
        await #expect(throws: LeveretError.self) { try await other.channel() }
    }

    /// Nothing of what is refused as a whole is there afterwards.
    @Test func aRefusedImportSaysWhatWasDone() throws {
        let broker = try BrokerProcess(settings: [BrokerProcess.smallJournal])
        let world = try ExampleWorld(url: broker.url)
        let queues = (0..<3000).map { #"{"name":"q\#($0)","vhost":"/"}"# } + [#"{"name":"q","vhost":"nowhere"}"#]
        try world.write(#"{"queues":[\#(queues.joined(separator: ","))]}"#, to: "bad.json")
        let result = try world.run("leveretctl definitions import bad.json")
        #expect(result.code == 2)
        #expect(result.output.contains("the broker refused the definitions"), "\(result.output)")
        #expect(result.output.contains("virtual host 'nowhere' does not exist"), "\(result.output)")
        #expect(try world.run("leveretctl queues list --quiet").output == "")
    }

    /// Those of the journal look into the data of a broker that has stopped.
    @Test func examplesOfStoppedBrokersRun() throws {
        let broker = try BrokerProcess()
        let world = try ExampleWorld(url: broker.url)
        #expect(try world.run("leveretctl queues declare orders").code == 0)
        #expect(try broker.end(SIGTERM) == 0)
        for example in JournalCommand.configuration.allSubcommands.flatMap({ $0.configuration.examples }) {
            let line = ["/var/lib/leveret", "/mnt/backup/leveret"].reduce(example) {
                $0.replacingOccurrences(of: $1, with: broker.workspace.data)
            }
            let result = try world.run(line)
            #expect(result.code == 0, "\(line): \(result.code)\n\(result.output)")
        }
    }
}

/// A broker with users, queues and messages to try the examples on, and a folder with the files they name.
final class ExampleWorld {
    private let directory: TemporaryDirectory
    private let environment: [String: String]
    private let url: String

    init(url: String) throws {
        self.url = url
        directory = try TemporaryDirectory()
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        environment = [
            "PATH": "\(try BuiltExecutable.folder().path):\(path)",
            "LEVERET_URL": url,
            "NEW_PASSWORD": "a new one", "ALICE_PASSWORD": "alice's own",
        ]
        try directory.write(Self.definitions, to: "world.json")
        try directory.write(#"{"id":7}"#, to: "order.json")
    }

    func write(_ text: String, to name: String) throws { try directory.write(text, to: name) }

    /// A client that examples may close.
    func connect(virtualHost: String = "/") async throws -> Connection {
        let overview = try JSONValue(parsing: run("leveretctl status --json").output)["overview"]
        let port = try #require(
            overview["listeners"].items.first { $0["protocol"].text == "amqp" }?["port"].wholeNumber)
        return try await Connection.connect(ConnectionOptions(host: "127.0.0.1", port: port, virtualHost: virtualHost))
    }

    /// A connection that an example has closed is there until its client has answered.
    func hasOnlyConnection() async throws -> Bool {
        for _ in 0..<100 {
            let result = try run("leveretctl connections list --quiet")
            if result.output.split(separator: "\n").count == 1 { return true }
            try await Task.sleep(for: .milliseconds(100))
        }
        return false
    }

    /// Puts everything back that examples change.
    func reset() throws {
        let setup = """
            set -e
            leveretctl definitions import world.json --quiet
            echo "$ALICE_PASSWORD" | leveretctl users password alice --quiet
            leveretctl definitions export broker.json --quiet
            leveretctl definitions export shop.json --of-vhost shop --quiet
            leveretctl users delete carol --yes > /dev/null 2>&1 || true
            leveretctl users delete dora --yes > /dev/null 2>&1 || true
            leveretctl users delete service --yes > /dev/null 2>&1 || true
            leveretctl policies clear short --yes > /dev/null 2>&1 || true
            leveretctl publish '' orders --quiet first
            leveretctl publish '' orders-dead --quiet dead
            """
        let result = try run(setup)
        #expect(result.code == 0, "\(result.output)")
    }

    /// The name of a connection in examples.
    static let connectionName = "'127.0.0.1:40000 -> 127.0.0.1:5672'"

    /// Runs a line as a shell does. The example's connection is whichever is there.
    func run(_ line: String) throws -> ChildProcess.Result {
        let line = line.replacingOccurrences(
            of: Self.connectionName, with: "\"$(leveretctl connections list --quiet --limit 1)\"")
        return try ChildProcess(
            "/usr/bin/env", ["-C", directory.path, "bash", "-c", "set -o pipefail; " + line], environment: environment,
            errors: .withOutput
        ).end()
    }
}

extension ExampleWorld {
    private static let definitions = """
        {
          "users": [
            {"name": "alice", "tags": "management", "password_hash": ""},
            {"name": "bob", "tags": "", "password_hash": "", "limits": {"max-connections": 5}}
          ],
          "vhosts": [{"name": "/"}, {"name": "shop"}],
          "permissions": [
            {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
            {"user": "guest", "vhost": "shop", "configure": ".*", "write": ".*", "read": ".*"},
            {"user": "alice", "vhost": "/", "configure": "", "write": ".*", "read": ".*"}
          ],
          "topic_permissions": [
            {"user": "alice", "vhost": "/", "exchange": "orders", "write": "^o", "read": ".*"}
          ],
          "parameters": [
            {"component": "vhost-limits", "vhost": "shop", "name": "limits", "value": {"max-queues": 100}},
            {"component": "operator_policy", "vhost": "/", "name": "ceiling",
             "value": {"pattern": "^none", "apply-to": "queues", "priority": 0, "definition": {"max-length": 5}}}
          ],
          "global_parameters": [{"name": "tier", "value": "test"}],
          "policies": [
            {"vhost": "/", "name": "lengths", "pattern": "^logs", "apply-to": "queues", "priority": 1,
             "definition": {"max-length": 100}}
          ],
          "queues": [
            {"name": "orders", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}},
            {"name": "orders-dead", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}},
            {"name": "billing", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}},
            {"name": "archive", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}},
            {"name": "old", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}}
          ],
          "exchanges": [
            {"name": "orders", "vhost": "/", "type": "topic", "durable": true, "auto_delete": false,
             "internal": false, "arguments": {}},
            {"name": "audit", "vhost": "/", "type": "fanout", "durable": true, "auto_delete": false,
             "internal": false, "arguments": {}},
            {"name": "unrouted", "vhost": "/", "type": "fanout", "durable": true, "auto_delete": false,
             "internal": false, "arguments": {}},
            {"name": "documents", "vhost": "/", "type": "headers", "durable": true, "auto_delete": false,
             "internal": false, "arguments": {}},
            {"name": "old", "vhost": "/", "type": "direct", "durable": true, "auto_delete": false,
             "internal": false, "arguments": {}}
          ],
          "bindings": [
            {"source": "orders", "vhost": "/", "destination": "orders", "destination_type": "queue",
             "routing_key": "order.#", "arguments": {}},
            {"source": "orders", "vhost": "/", "destination": "billing", "destination_type": "queue",
             "routing_key": "order.created", "arguments": {}},
            {"source": "documents", "vhost": "/", "destination": "archive", "destination_type": "queue",
             "routing_key": "", "arguments": {"x-match": "any", "type": "invoice"}}
          ]
        }
        """
}
