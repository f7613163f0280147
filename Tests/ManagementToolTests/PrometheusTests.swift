import Foundation
import Processes
import Testing

/// Prometheus's own tools on our metrics, alerts and dashboard.
struct PrometheusTests {
    private static let rules = Tools.root.appending(path: "Config/prometheus/leveret.rules.yml")

    @Test func promtoolAcceptsTheAlertRules() async throws {
        let rules = try await runTool(Tools.promtool, ["check", "rules", Self.rules.path])
        #expect(rules.code == 0, "\(rules.output)")
        let configuration = Tools.root.appending(path: "Config/prometheus/prometheus.yml").path
        let checked = try await runTool(Tools.promtool, ["check", "config", configuration])
        #expect(checked.code == 0, "\(checked.output)")
    }

    @Test func alertsFireOnWhatTheyAreFor() async throws {
        let tests = Tools.directory.appending(path: "leveret.rules.test.yml").path
        let result = try await runTool(Tools.promtool, ["test", "rules", tests])
        #expect(result.code == 0, "\(result.output)")
    }

    @Test func prometheusScrapesTheBroker() async throws {
        try #require(Tools.isThere(Tools.prometheus), "\(Tools.hint)")
        let broker = try await onThread { try ManagedBroker(settings: "prometheus.tcp.port = 0") }
        let result = try await runScript(
            "scrape.py",
            [
                "--prometheus", Tools.prometheus.path, "--promtool", Tools.promtool.path, "--port",
                "\(broker.httpPort)", "--amqp-port", "\(broker.port)", "--rules", Self.rules.path, "--dashboard",
                Tools.root.appending(path: "Config/grafana/leveret-overview.json").path,
            ])
        #expect(result.code == 0, "\(result.output)")
    }
}
