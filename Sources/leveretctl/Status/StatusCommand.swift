import ArgumentParser
import Console
import JSON

/// `leveretctl status`.
struct StatusCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "status", "What the broker is, has and does.",
        examples: ["leveretctl status", "leveretctl status --json"])

    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ServerOptions

    func run(_ client: ManagementClient) async throws {
        let overview = try await client.get(APIPath("overview"))
        // Only monitors may see nodes.
        let nodes = try? await client.get(APIPath("nodes")).items
        if output.json { return Report.write(["overview": overview, "nodes": .array(nodes ?? [])]) }
        var facts = Self.product(overview)
        for node in nodes ?? [] { facts += Self.facts(of: node) }
        facts += Self.totals(overview)
        for listener in overview["listeners"].items {
            let address = listener["ip_address"].cell
            let shown = address.contains(":") ? "[\(address)]" : address
            facts.append(("listener", "\(listener["protocol"].cell) on \(shown):\(listener["port"].cell)"))
        }
        if nodes == nil { facts.append(("nodes", "not shown: '\(client.endpoint.user)' lacks the tag monitoring")) }
        Report.write(Table.facts(facts, width: Terminal.size?.columns))
    }

    private static func product(_ overview: JSONValue) -> [(String, String)] {
        let name = overview["product_name"].text ?? "RabbitMQ"
        let version = overview["product_version"].text ?? overview["rabbitmq_version"].text ?? "?"
        var facts = [("broker", "\(name) \(version)")]
        if let rabbit = overview["rabbitmq_version"].text, rabbit != version {
            facts.append(("speaks as", "RabbitMQ \(rabbit)"))
        }
        facts.append(("cluster", overview["cluster_name"].cell))
        return facts
    }

    private static func facts(of node: JSONValue) -> [(String, String)] {
        var facts = [("node", node["name"].cell + (node["running"].flag ? "" : ", not running"))]
        if let uptime = node["uptime"].number { facts.append(("up for", Quantity.seconds(uptime / 1000))) }
        func share(_ name: String, _ used: String, _ limit: String, _ alarm: String) {
            guard let used = node[used].wholeNumber else { return }
            let limit = node[limit].wholeNumber.map { " of \(Quantity.bytes($0))" } ?? ""
            facts.append((name, Quantity.bytes(used) + limit + (node[alarm].flag ? "  ALARM" : "")))
        }
        share("memory", "mem_used", "mem_limit", "mem_alarm")
        if let free = node["disk_free"].wholeNumber {
            let limit = node["disk_free_limit"].wholeNumber.map { ", alarm below \(Quantity.bytes($0))" } ?? ""
            let alarm = node["disk_free_alarm"].flag ? "  ALARM" : ""
            facts.append(("disk", "\(Quantity.bytes(free)) free\(limit)\(alarm)"))
        }
        if let used = node["fd_used"].wholeNumber, let total = node["fd_total"].wholeNumber {
            facts.append(("files", "\(Quantity.grouped(used)) of \(Quantity.grouped(total))"))
        }
        let partitions = node["partitions"].items.compactMap(\.text)
        if !partitions.isEmpty { facts.append(("partitions", partitions.joined(separator: ", "))) }
        for (name, field) in [("data", "db_dir"), ("configuration", "config_files"), ("logs", "log_files")] {
            let text = node[field].cell
            if !text.isEmpty { facts.append((name, text)) }
        }
        let plugins = node["enabled_plugins"].cell
        if !plugins.isEmpty { facts.append(("plugins", plugins)) }
        return facts
    }

    private static func totals(_ overview: JSONValue) -> [(String, String)] {
        let objects = ["connections", "channels", "queues", "consumers", "exchanges"].compactMap { name in
            overview["object_totals"][name].wholeNumber.map { "\(Quantity.grouped($0)) \(name)" }
        }
        let messages = [("ready", "messages_ready"), ("unacked", "messages_unacknowledged")].compactMap { name, field in
            overview["queue_totals"][field].wholeNumber.map { "\(Quantity.grouped($0)) \(name)" }
        }
        let rates = [("in", "publish"), ("out", "deliver_get"), ("acked", "ack")].compactMap { name, field in
            overview[path: "message_stats.\(field)_details.rate"].number.map { "\(Quantity.tenths($0))/s \(name)" }
        }
        return [("objects", objects), ("messages", messages), ("rates", rates)].compactMap { name, texts in
            texts.isEmpty ? nil : (name, texts.joined(separator: ", "))
        }
    }
}

/// `leveretctl ping`.
struct PingCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "ping", "Asks whether the broker answers, and how fast.",
        examples: ["leveretctl ping", "leveretctl ping --wait 30"])

    @Option(help: ArgumentHelp("Try again so long until it answers.", valueName: "seconds")) var wait = 0
    @OptionGroup var change: ChangeOptions
    @OptionGroup var server: ServerOptions

    func run(_ client: ManagementClient) async throws {
        let start = ContinuousClock.now
        while true {
            let asked = ContinuousClock.now
            do {
                _ = try await client.get(APIPath("whoami"))
                let milliseconds = (ContinuousClock.now - asked) / .milliseconds(1)
                return change.done("\(client.endpoint.address) answers after \(Quantity.tenths(milliseconds)) ms")
            } catch let error as ControlError {
                guard ContinuousClock.now - start < .seconds(wait) else { throw error }
                try await Task.sleep(for: .milliseconds(250))
            }
        }
    }
}
