import ArgumentParser
import Testing

@testable import leveretperf

@Suite struct ArgumentTests {
    /// The plan that a command line makes.
    private func plan(_ arguments: String...) throws -> LoadPlan {
        let command = try #require(try LeveretPerf.parseAsRoot(arguments) as? any LoadCommand)
        return try LoadPlan(type(of: command).scenario, command.load)
    }

    /// Why a command line makes none.
    private func problem(_ arguments: String...) throws -> String {
        let command = try #require(try LeveretPerf.parseAsRoot(arguments) as? any LoadCommand)
        let error = #expect(throws: PerfError.self) { try LoadPlan(type(of: command).scenario, command.load) }
        #expect(error?.kind == .usage)
        return error?.message ?? ""
    }

    @Test(arguments: [("0", 0), ("16", 16), ("10k", 10_000), ("2M", 2_000_000), ("1000000m", 1_000_000_000_000)])
    func countsHaveSuffixes(text: String, value: Int) {
        #expect(Count(argument: text)?.value == value)
    }

    @Test(arguments: ["", "k", "-1", "1.5", "1kk", "0x10", "9999999999999999999", "9999999999m", "１"])
    func otherTextIsNoCount(text: String) {
        #expect(Count(argument: text) == nil)
    }

    @Test func acknowledgementsAreReadAsTheyAreWritten() {
        for acknowledgement in [Acknowledgement.auto, .each, .multiple(100)] {
            #expect(Acknowledgement(argument: acknowledgement.text) == acknowledgement)
        }
        for text in ["multi:0", "multi:", "multi:70000", "every", "multi:-1"] {
            #expect(Acknowledgement(argument: text) == nil)
        }
    }

    @Test func secondsAreFiniteAndNotNegative() {
        #expect(Seconds(argument: "0.5")?.value == 0.5)
        #expect(Seconds(argument: "3s")?.value == 3)
        for text in ["-1", "nan", "inf", "1e300", "x", ""] { #expect(Seconds(argument: text) == nil) }
    }

    @Test func scenariosHaveTheirDefaults() throws {
        let throughput = try plan("throughput")
        #expect(throughput.messages == nil && throughput.rate == nil && !throughput.isStamped)
        #expect(throughput.queues == 1 && throughput.exchangeKind == .default)
        let latency = try plan("latency")
        #expect(latency.rate == 5000 && latency.isStamped)
        let fanout = try plan("fanout", "--bindings", "100")
        #expect(fanout.exchangeKind == .fanout && fanout.queues == 100 && fanout.isBroadcast)
        #expect(fanout.subscriptions == 100)
        #expect(try plan("backlog").messages == 1_000_000)
        let topic = try plan("throughput", "--exchange-type", "topic", "--bindings", "10k")
        #expect(topic.queues == 10 && topic.keys == 10_000 && topic.words == 200)
    }

    @Test func messagesAreSharedOutWithoutARest() throws {
        let plan = try plan("throughput", "--producers", "3", "--messages", "10")
        #expect((0..<3).map { plan.messages(of: $0) } == [4, 3, 3])
    }

    @Test func wrongValuesNameTheOptionAndAnExampleThatWorks() throws {
        let problems = [
            try problem("throughput", "--producers", "0"),
            try problem("latency", "--body-size", "8"),
            try problem("throughput", "--ack", "multi:100", "--prefetch", "10"),
            try problem("fanout", "--exchange-type", "default"),
            try problem("throughput", "--duration", "0"),
            try problem("throughput", "--messages", "1", "--producers", "2"),
            try problem("throughput", "--queue-type", "stream"),
            try problem("throughput", "--frame-max", "100"),
        ]
        for problem in problems {
            #expect(problem.contains("--"))
            let example = try #require(problem.components(behind: " For example: leveretperf "))
            let command = try #require(try LeveretPerf.parseAsRoot(example) as? any LoadCommand)
            #expect(throws: Never.self) { try LoadPlan(type(of: command).scenario, command.load) }
        }
    }

    @Test(arguments: [
        ["throughput", "--rate", "fast"], ["latency", "--nonsense"], ["compare", "--runs", "x"], ["throughputs"],
        ["throughput", "--pid", "abc"],
    ])
    func whatTheParserRefusesIsOneLineWithAnExample(arguments: [String]) {
        do {
            _ = try LeveretPerf.parseAsRoot(arguments)
            Issue.record("accepted")
        } catch {
            let line = LeveretPerf.usageError(LeveretPerf.message(for: error), arguments)
            #expect(!line.contains("\n"))
            #expect(line.contains("For example: leveretperf "))
        }
    }

    @Test func aBrokerWithoutAURIIsRefusedByName() throws {
        let command = try #require(try LeveretPerf.parseAsRoot(["throughput"]) as? any LoadCommand)
        let error = #expect(throws: PerfError.self) {
            try ScenarioRun(
                .throughput, "http://host", processes: [], load: command.load, connections: nil, output: command.output)
        }
        #expect(error?.message.hasPrefix("--uri cannot be read: it does not begin with amqp://") == true)
    }
}

extension String {
    /// The words behind the text.
    fileprivate func components(behind text: String) -> [String]? {
        guard let range = firstRange(of: text) else { return nil }
        return self[range.upperBound...].split(separator: " ").map(String.init)
    }
}
