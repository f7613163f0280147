import Foundation
import Processes
import Testing

extension ChildProcess {
    convenience init(perf arguments: [String]) throws { try self.init(built: "leveretperf", arguments) }
}

extension BrokerProcess {
    /// Runs `leveretperf` against it to the end.
    func run(_ arguments: String...) throws -> ChildProcess.Result {
        try ChildProcess(perf: arguments + ["--uri", uri, "--timeout", "60"]).end()
    }

    /// The same with `--json`; the run must succeed.
    func json(_ arguments: String...) throws -> [String: Any] {
        let result = try ChildProcess(perf: arguments + ["--uri", uri, "--timeout", "60", "--json"]).end()
        try #require(result.code == 0, "\(result.output)\(result.errors)")
        let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
        return try #require(object as? [String: Any])
    }
}
