import Foundation
import Glibc
import Processes
import Testing

/// Every scenario against the built `leveret`. They are small: what they show is that all of it works and counts right.
@Suite(.serialized) struct LiveTests {
    private static let short = ["--duration", "0.15", "--warmup", "0.05"]

    private func verify(_ json: [String: Any]) throws -> [String: Any] {
        let verify = try #require(json["verify"] as? [String: Any])
        #expect(verify["clean"] as? Bool == true, "\(verify)")
        #expect(verify["received"] as? Int == verify["expected"] as? Int)
        return verify
    }

    private func number(_ json: [String: Any], _ name: String) throws -> Double {
        try #require(json[name] as? Double, "\(name) in \(json)")
    }

    @Test(arguments: [
        [], ["--producers", "2", "--consumers", "2", "--queues", "2", "--pin", "--threads", "2"],
        ["--queues", "3", "--ack", "multi:7", "--prefetch", "50"],
        ["--persistent", "--confirm", "100", "--ack", "each", "--prefetch", "100", "--body-size", "1k"],
        ["--body-size", "300k", "--frame-max", "4096"], ["--consumers", "3", "--ack", "each", "--prefetch", "10"],
        ["--exchange-type", "topic", "--bindings", "40", "--confirm", "100"],
        ["--exchange-type", "headers", "--bindings", "40", "--producers", "2"],
        ["--exchange-type", "direct", "--queues", "2", "--channels", "2"],
    ])
    func throughputIsCleanInEveryShape(options: [String]) throws {
        let broker = try BrokerProcess()
        let arguments = ["throughput", "--verify", "--messages", "500"] + options
        let result = try ChildProcess(perf: arguments + ["--uri", broker.uri, "--json"]).end()
        #expect(result.code == 0, "\(result.errors)")
        let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
        let json = try #require(object as? [String: Any])
        let verify = try verify(json)
        #expect(json["published"] as? Int == 500)
        #expect((verify["expected"] as? Int).map { $0 >= 500 } == true)
        #expect(json["consumed"] as? Int == verify["expected"] as? Int)
        #expect(json["drained"] as? Bool == true)
    }

    @Test func throughputMeasuresATimeWithTheCostOfBothSides() throws {
        let broker = try BrokerProcess()
        let json = try broker.json(
            "throughput", "--duration", "0.15", "--warmup", "0.05", "--pid", "\(broker.pid)")
        #expect(try number(json, "consume_rate") > 0)
        #expect(try number(json, "publish_rate") > 0)
        #expect(try number(json, "client_cpu_s") > 0)
        #expect(try number(json, "broker_rss_peak_mib") > 1)
        #expect(json["broker_cpu_s"] != nil && json["other_cores"] != nil)
        #expect((json["broker"] as? String)?.hasPrefix("Leveret ") == true)
    }

    @Test func latencyHasPercentilesAChartAndAHistogram() throws {
        let broker = try BrokerProcess()
        let chart = broker.workspace.path + "/latency.svg"
        let result = try broker.run(
            "latency", "--rate", "2k", "--duration", "0.2", "--warmup", "0.05", "--confirm", "100", "--chart", chart)
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.output.contains("latency    50 % "))
        #expect(result.output.contains("confirm    50 % "))
        #expect(result.output.contains("100.000 %  #"))
        #expect(try String(contentsOfFile: chart, encoding: .utf8).contains("publish to confirm"))
        let json = try broker.json("latency", "--rate", "2k", "--messages", "200", "--verify")
        let latency = try #require(json["latency_us"] as? [String: Any])
        #expect(latency["n"] as? Int == 200)
        #expect(try number(latency, "p50") <= number(latency, "p99"))
        _ = try verify(json)
    }

    @Test func fanoutReachesEveryQueue() throws {
        let broker = try BrokerProcess()
        for type in ["fanout", "direct", "topic", "headers"] {
            let json = try broker.json(
                "fanout", "--exchange-type", type, "--bindings", "5", "--consumers", "2", "--messages", "100",
                "--verify")
            #expect(try verify(json)["received"] as? Int == 500)
            #expect(json["consumed"] as? Int == 500)
        }
    }

    @Test func backlogFillsAndDrains() throws {
        let broker = try BrokerProcess()
        for options in [[], ["--confirm", "500", "--persistent", "--ack", "multi:100", "--prefetch", "500"]] {
            let result = try ChildProcess(
                perf: ["backlog", "--messages", "5k", "--verify", "--json", "--uri", broker.uri] + options
            ).end()
            #expect(result.code == 0, "\(result.errors)")
            let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
            let json = try #require(object as? [String: Any])
            #expect(json["queued"] as? Int == 5000)
            #expect(json["consumed"] as? Int == 5000)
            #expect((json["drain_rate_slices"] as? [Any])?.count == 10)
            _ = try verify(json)
        }
    }

    @Test func connectionsAreOpenedHeldAndClosed() throws {
        let broker = try BrokerProcess()
        let json = try broker.json(
            "connections", "--count", "30", "--hold", "0.05", "--pid", "\(broker.pid)")
        #expect((json["open_us"] as? [String: Any])?["n"] as? Int == 30)
        #expect(try number(json, "open_rate") > 0 && number(json, "close_rate") > 0)
        #expect(json["kib_per_connection"] != nil)
        #expect(try number(broker.json("connections", "--count", "10", "--hold", "0", "--bare"), "open_rate") > 0)
    }

    @Test func compareSetsBrokersSideBySide() throws {
        let (one, other) = (try BrokerProcess(), try BrokerProcess())
        let chart = one.workspace.path + "/compare.svg"
        let arguments = [
            "compare", one.uri, "--uri", other.uri, "--runs", "2", "--scenario", "throughput", "--scenario", "latency",
            "--name", "one", "--name", "other", "--chart", chart, "--pid", "\(one.pid)", "--pid",
            "\(other.pid)",
        ]
        let result = try ChildProcess(perf: arguments + Self.short).end()
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.output.contains("throughput, median of 2 runs"))
        #expect(result.output.contains("latency, median of 2 runs"))
        #expect(result.output.contains("broker CPU"))
        // In turns: each broker's first run before anybody's second.
        let places = result.errors.split(separator: "\n").filter { $0.hasPrefix("throughput ") }
        #expect(places.map { $0.split(separator: " ")[1] } == ["1", "1", "2", "2"])
        #expect(try String(contentsOfFile: chart, encoding: .utf8).contains("throughput: consumed"))
    }

    @Test func aRunLeavesNothingBehind() throws {
        let broker = try BrokerProcess()
        let arguments = ["throughput", "--prefix", "left", "--exchange-type", "direct", "--messages", "10"]
        #expect(try ChildProcess(perf: arguments + ["--uri", broker.uri]).end().code == 0)
        // Declared once more with other properties: what is left would be in the way.
        let again = try ChildProcess(perf: arguments + ["--uri", broker.uri, "--durable"]).end()
        #expect(again.code == 0, "\(again.errors)")
    }

    @Test func interruptionEndsItAndCleansUp() throws {
        let broker = try BrokerProcess()
        let arguments = ["throughput", "--prefix", "left", "--duration", "60", "--uri", broker.uri]
        let run = try ChildProcess(perf: arguments + ["--progress"])
        while !run.errors.contains("published") { usleep(20_000) }
        kill(run.pid, SIGINT)
        #expect(try run.end().code == 130)
        let again = try ChildProcess(perf: [
            "throughput", "--prefix", "left", "--messages", "10", "--durable", "--uri", broker.uri,
        ]
        ).end()
        #expect(again.code == 0, "\(again.errors)")
    }
}

@Suite(.serialized) struct LiveFailureTests {
    @Test func aBrokerThatIsNotThereIsExitCode2() throws {
        let result = try ChildProcess(perf: ["throughput", "--uri", "amqp://127.0.0.1:1", "--json"]).end()
        #expect(result.code == 2)
        #expect(result.errors.contains("no connection to 127.0.0.1:1"))
        #expect(result.errors.split(separator: "\n").count == 1)
        #expect(result.output.hasPrefix("{\"error\":"))
    }

    @Test func theBrokersWordsAreShown() throws {
        let broker = try BrokerProcess()
        let refused = try ChildProcess(perf: [
            "latency", "--uri", broker.uri.replacing("guest:guest", with: "guest:wrong"),
        ]
        ).end()
        #expect(refused.code == 2)
        #expect(refused.errors.contains("ACCESS_REFUSED"))
        #expect(!refused.errors.contains("wrong"))
        let result = try broker.run("throughput", "--messages", "10", "--prefix", "left", "--keep")
        #expect(result.code == 0)
        let again = try broker.run("throughput", "--messages", "10", "--prefix", "left", "--durable")
        #expect(again.code == 2)
        #expect(again.errors.contains("406 PRECONDITION_FAILED"))
    }

    @Test func aBrokerThatDiesIsExitCode2() throws {
        let broker = try BrokerProcess()
        let run = try ChildProcess(perf: ["throughput", "--duration", "60", "--uri", broker.uri, "--progress"])
        while !run.errors.contains("published") { usleep(20_000) }
        kill(broker.pid, SIGKILL)
        #expect(try run.end().code == 2)
    }

    @Test func timeIsBounded() throws {
        let broker = try BrokerProcess()
        let result = try ChildProcess(perf: ["throughput", "--duration", "60", "--timeout", "0.3", "--uri", broker.uri]
        ).end()
        #expect(result.code == 3)
        #expect(result.errors.contains("--timeout"))
    }

    @Test func helpHasExamplesForEveryScenario() throws {
        for scenario in ["throughput", "latency", "fanout", "backlog", "connections", "compare"] {
            let result = try ChildProcess(perf: ["help", scenario]).end()
            #expect(result.code == 0)
            #expect(result.output.contains("EXAMPLES") && result.output.contains("leveretperf \(scenario)"))
        }
        #expect(try ChildProcess(perf: ["throughput", "--rate", "fast"]).end().code == 1)
    }
}
