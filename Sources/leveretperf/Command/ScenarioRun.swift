import ArgumentParser
import Console
import Glibc
import JSON
import struct LeveretClient.ConnectionOptions

/// One scenario against one broker, checked and ready to run.
struct ScenarioRun {
    enum Outcome: Sendable {
        case load(LoadResult)
        case connections(ConnectionsResult)

        var metrics: [Metric] {
            switch self {
            case .load(let result): result.metrics
            case .connections(let result): result.metrics
            }
        }

        var product: String {
            switch self {
            case .load(let result): result.product
            case .connections(let result): result.product
            }
        }
    }

    private enum Work {
        case load(LoadPlan)
        case connections(ConnectionsOptions)
    }

    let scenario: Scenario
    let options: ConnectionOptions
    private let processes: [Int32]
    private let work: Work
    private let output: RunOptions
    private let prefix: String

    /// - Parameters:
    ///   - load: for all scenarios but `connections`.
    ///   - connections: for that one.
    init(
        _ scenario: Scenario, _ uri: String, processes: [Int32], load: LoadOptions?, connections: ConnectionsOptions?,
        output: RunOptions
    ) throws(PerfError) {
        self.scenario = scenario
        self.processes = processes
        self.output = output
        options = try Self.connectionOptions(uri)
        prefix = try Self.prefix(output)
        if let load, scenario != .connections {
            work = .load(try LoadPlan(scenario, load))
        } else {
            work = .connections(try Self.checked(connections ?? ConnectionsOptions()))
        }
        guard output.timeout.value > 0 else {
            throw .usage("--timeout 0 leaves no time", example: "\(scenario.rawValue) --timeout 60")
        }
    }

    private static func connectionOptions(_ uri: String) throws(PerfError) -> ConnectionOptions {
        do {
            return try ConnectionOptions(uri: uri)
        } catch {
            throw .usage(
                "--uri cannot be read: " + error.message.dropPrefix("The URI cannot be read: ").dropSuffix("."),
                example: "throughput --uri amqp://guest:guest@127.0.0.1:5672/")
        }
    }

    private static func prefix(_ output: RunOptions) throws(PerfError) -> String {
        let prefix = output.prefix ?? "leveretperf.\(getpid())"
        guard !prefix.isEmpty, prefix.utf8.count <= 200, !prefix.hasPrefix("amq.") else {
            throw .usage("--prefix is no begin of a queue's name", example: "throughput --prefix test")
        }
        return prefix
    }

    private static func checked(_ options: ConnectionsOptions) throws(PerfError) -> ConnectionsOptions {
        guard (1...ConnectionsRun.countLimit).contains(options.count.value) else {
            throw .usage(
                "--count \(options.count.value) is not within 1 to \(ConnectionsRun.countLimit)",
                example: "connections --count 5000")
        }
        guard (1...256).contains(options.concurrency.value) else {
            throw .usage(
                "--concurrency \(options.concurrency.value) is not within 1 to 256",
                example: "connections --concurrency 8")
        }
        return options
    }

    /// Runs it once.
    func run() throws(PerfError) -> Outcome {
        let progress = Progress(scenario.rawValue, isForced: output.progress)
        let deadline = Deadline(seconds: output.timeout.value)
        switch work {
        case .load(let plan):
            return .load(
                try LoadRun(
                    plan: plan, options: options, processes: processes, prefix: prefix, keepsTopology: output.keep,
                    deadline: deadline, progress: progress
                ).run())
        case .connections(let settings):
            return .connections(
                try ConnectionsRun(
                    count: settings.count.value, concurrency: min(settings.concurrency.value, settings.count.value),
                    holdSeconds: settings.hold.value, isBare: settings.bare, options: options, processes: processes,
                    prefix: prefix, frameMax: 131_072, deadline: deadline, progress: progress
                ).run())
        }
    }

    /// Runs it once and writes what came out.
    func report() throws(PerfError) {
        switch try run() {
        case .load(let result):
            let report = LoadReport(result: result)
            if let chart = output.chart { try ChartFile.write(LoadChart.svg(result), to: chart) }
            TextOutput.standard.write(output.json ? report.json.compact + "\n" : report.text)
            try Self.checkClean(result)
        case .connections(let result):
            let report = ConnectionsReport(result: result)
            if let chart = output.chart {
                let svg = LoadChart.percentiles(
                    [("opening a connection", result.open)], title: "connections: \(result.product)",
                    subtitle: "\(Quantity.grouped(result.count)) connections, "
                        + "\(Quantity.grouped(result.openRate)) a second")
                try ChartFile.write(svg, to: chart)
            }
            TextOutput.standard.write(output.json ? report.json.compact + "\n" : report.text)
        }
    }

    static func checkClean(_ result: LoadResult) throws(PerfError) {
        guard let verify = result.verify, !verify.isClean else { return }
        throw PerfError(.unclean, "--verify: \(verify.text)")
    }
}

/// Charts go to a file as a whole.
enum ChartFile {
    static func write(_ text: String, to path: String) throws(PerfError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw .usage("--chart \(path): \(SystemError.text(errno))", example: "latency --chart latency.svg")
        }
        TextOutput(descriptor: descriptor).write(text)
        guard close(descriptor) == 0 else { throw .system("write \(path)", errno) }
    }
}

extension String {
    fileprivate func dropPrefix(_ prefix: String) -> String {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
    }
    fileprivate func dropSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
