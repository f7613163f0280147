import Console
import JSON

/// A run of a load, for people and for programs.
struct LoadReport {
    let result: LoadResult

    private var plan: LoadPlan { result.plan }

    // MARK: JSON

    var json: JSONObject {
        var line = JSONObject()
        line.add("scenario", plan.scenario.rawValue)
        line.add("broker", result.product)
        line.add("place", result.place)
        addPlan(&line)
        line.add("setup_s", result.setupSeconds)
        line.add("elapsed_s", result.window.elapsedSeconds)
        line.add("published", result.published)
        line.add("consumed", result.consumed)
        line.add("confirmed", result.confirmed)
        line.add("nacked", result.window.end.nacked - result.window.start.nacked)
        line.add("redelivered", result.window.end.redelivered - result.window.start.redelivered)
        line.add("blocked_events", result.window.end.blocked)
        if let backlog = result.backlog { addBacklog(backlog, &line) } else { addRates(&line) }
        if plan.messages != nil || plan.isStamped { line.add("drained", result.window.isDrained) }
        if let latency = result.latency { line.add("latency_us", latency.json) }
        if let latency = result.confirmLatency { line.add("confirm_latency_us", latency.json) }
        if let lag = result.sendLag { line.add("send_lag_us", lag.json) }
        addUse(&line)
        if let verify = result.verify { line.add("verify", verify.json) }
        return line
    }

    private func addPlan(_ line: inout JSONObject) {
        line.add("producers", plan.producers)
        line.add("consumers", plan.consumers)
        line.add("queues", plan.queues)
        line.add("pin", plan.isPinned)
        line.add("exchange_type", plan.exchangeKind.rawValue)
        if plan.exchangeKind != .default { line.add("bindings", plan.bindings) }
        line.add("body_size", plan.bodyByteCount)
        line.add("persistent", plan.isPersistent)
        line.add("confirm", plan.confirmWindow)
        line.add("ack", plan.acknowledgement.text)
        line.add("prefetch", plan.prefetch)
        if let rate = plan.rate { line.add("rate", Int(rate)) }
        if let messages = plan.messages { line.add("messages", messages) }
    }

    private func addRates(_ line: inout JSONObject) {
        line.add("publish_rate", result.publishRate, decimals: 1)
        line.add("consume_rate", result.consumeRate, decimals: 1)
        if plan.confirmWindow > 0 { line.add("confirm_rate", result.confirmRate, decimals: 1) }
        line.add("publish_bytes_s", result.publishRate * Double(plan.bodyByteCount), decimals: 0)
        line.add("consume_bytes_s", result.consumeRate * Double(plan.bodyByteCount), decimals: 0)
        if result.published > 0 {
            line.add("deliveries_per_publish", Double(result.consumed) / Double(result.published))
        }
    }

    private func addBacklog(_ backlog: BacklogResult, _ line: inout JSONObject) {
        line.add("publish_s", backlog.fill.seconds)
        line.add("publish_rate", backlog.fill.rate, decimals: 1)
        line.add("settled_s", backlog.settledSeconds)
        line.add("queued", backlog.queued)
        line.add("drain_s", backlog.drain.seconds)
        line.add("drain_rate", backlog.drain.rate, decimals: 1)
        line.add("publish_rate_slices", backlog.fill.slices, decimals: 0)
        line.add("drain_rate_slices", backlog.drain.slices, decimals: 0)
        if let before = backlog.residentBeforeKibibytes, let full = backlog.residentFullKibibytes {
            line.add("rss_before_mib", Double(before) / 1024, decimals: 1)
            line.add("rss_full_mib", Double(full) / 1024, decimals: 1)
        }
        if let bytes = backlog.bytesPerMessage { line.add("bytes_per_message", bytes, decimals: 1) }
        if let seconds = backlog.fill.brokerSecondsPerMillion { line.add("broker_cpu_s_per_m_published", seconds) }
        if let seconds = backlog.drain.brokerSecondsPerMillion { line.add("broker_cpu_s_per_m_drained", seconds) }
    }

    private func addUse(_ line: inout JSONObject) {
        guard let use = result.window.use else { return }
        line.add("client_cpu_s", use.clientSeconds)
        line.add("client_cores", use.clientCores)
        if let seconds = use.brokerSeconds, let cores = use.brokerCores {
            line.add("broker_cpu_s", seconds)
            line.add("broker_cores", cores)
            if result.published > 0, result.backlog == nil {
                line.add("broker_cpu_s_per_m_published", seconds / Double(result.published) * 1e6)
            }
            if result.consumed > 0, result.backlog == nil {
                line.add("broker_cpu_s_per_m_delivered", seconds / Double(result.consumed) * 1e6)
            }
        }
        if let peak = result.residentPeakKibibytes {
            line.add("broker_rss_peak_mib", Double(peak) / 1024, decimals: 1)
        }
        if let cores = use.otherCores {
            line.add(use.brokerSeconds == nil ? "broker_and_other_cores" : "other_cores", cores)
        }
    }

    // MARK: Text

    var text: String {
        var lines = [
            "\(plan.scenario.rawValue) with \(result.product.isEmpty ? "a broker" : result.product) at "
                + result.place
        ]
        lines.append("  " + shape)
        if let backlog = result.backlog { lines += backlogLines(backlog) } else { lines += rateLines }
        if let latency = result.latency {
            lines.append("  latency    \(latency.text)")
            if let confirm = result.confirmLatency { lines.append("  confirm    \(confirm.text)") }
            if let lag = result.sendLag {
                lines.append("  sent late  \(lag.text)")
            }
            lines.append("")
            lines += TextHistogram.lines(latency).map { "  " + $0 }
            lines.append("")
        } else if let confirm = result.confirmLatency {
            lines.append("  confirm    \(confirm.text)")
        }
        if let use = result.window.use { lines += UseReport(use, peakKibibytes: result.residentPeakKibibytes).lines }
        if let seconds = result.brokerSecondsPerMillion, result.backlog == nil {
            lines.append("             broker CPU \(Quantity.fixed(seconds, 3)) s a million")
        }
        if result.window.end.blocked > 0 {
            lines.append("  blocked    the broker stopped producers \(result.window.end.blocked) times")
        }
        if !result.window.isDrained, plan.messages != nil || plan.isStamped {
            lines.append("  missing    not all deliveries came within --drain-timeout")
        }
        if let verify = result.verify { lines.append("  verify     " + verify.text) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The load in words.
    private var shape: String {
        var parts = [
            Quantity.count(plan.producers, "producer"), Quantity.count(plan.consumers, "consumer"),
            Quantity.count(plan.queues, "queue") + (plan.isPinned ? " pinned" : ""),
        ]
        if plan.exchangeKind != .default {
            parts.append("\(plan.exchangeKind.rawValue) exchange, " + Quantity.count(plan.bindings, "binding"))
        }
        parts.append("\(Quantity.grouped(plan.bodyByteCount)) B\(plan.isPersistent ? " persistent" : "")")
        parts.append("ack \(plan.acknowledgement.text)")
        if plan.prefetch > 0 { parts.append("prefetch \(plan.prefetch)") }
        if plan.confirmWindow > 0 { parts.append("confirm \(plan.confirmWindow)") }
        if let rate = plan.rate { parts.append("rate \(Quantity.grouped(rate))/s") }
        return parts.joined(separator: ", ")
    }

    private var rateLines: [String] {
        func line(_ name: String, _ rate: Double, _ count: Int) -> String {
            let bytes = Quantity.bytes(Int(rate * Double(plan.bodyByteCount)))
            return "  \(name) \(Quantity.grouped(rate))/s (\(bytes)/s), \(Quantity.grouped(count)) in "
                + "\(Quantity.fixed(result.window.elapsedSeconds, 2)) s"
        }
        var lines = [line("published ", result.publishRate, result.published)]
        if plan.confirmWindow > 0 { lines.append(line("confirmed ", result.confirmRate, result.confirmed)) }
        if plan.consumers > 0 { lines.append(line("consumed  ", result.consumeRate, result.consumed)) }
        return lines
    }

    private func backlogLines(_ backlog: BacklogResult) -> [String] {
        func slices(_ half: BacklogResult.Half) -> String {
            half.slices.isEmpty
                ? "" : "\n             by tenths: " + half.slices.map { Quantity.short($0) }.joined(separator: ", ")
        }
        var lines = [
            "  filled     \(Quantity.grouped(backlog.fill.rate))/s in \(Quantity.fixed(backlog.fill.seconds, 2)) s"
                + slices(backlog.fill),
            "  settled    \(Quantity.grouped(backlog.queued)) messages after "
                + "\(Quantity.fixed(backlog.settledSeconds, 2)) s",
            "  drained    \(Quantity.grouped(backlog.drain.rate))/s in \(Quantity.fixed(backlog.drain.seconds, 2)) s"
                + slices(backlog.drain),
        ]
        if let bytes = backlog.bytesPerMessage {
            lines.append("  memory     \(Quantity.fixed(bytes, 1)) B a message in the broker")
        }
        return lines
    }
}

/// Who used the processors, for people.
struct UseReport {
    let lines: [String]

    init(_ use: ProcessorUse, peakKibibytes: Int?) {
        var text =
            "  CPU        client \(Quantity.fixed(use.clientSeconds, 2)) s"
            + " (\(Quantity.fixed(use.clientCores, 2)) cores)"
        if let seconds = use.brokerSeconds, let cores = use.brokerCores {
            text += ", broker \(Quantity.fixed(seconds, 2)) s (\(Quantity.fixed(cores, 2)) cores)"
        }
        if let other = use.otherCores {
            text += use.brokerSeconds == nil ? ", broker and everything else" : ", everything else"
            text += " \(Quantity.fixed(other, 2)) cores"
        }
        var lines = [text]
        if let peak = peakKibibytes {
            lines.append("  memory     broker at most \(Quantity.bytes(peak * 1024))")
        }
        if use.brokerSeconds != nil, let other = use.otherCores, other > 0.2 {
            lines.append("  caution    the machine was busy with something else: repeat when it is quiet")
        }
        self.lines = lines
    }
}

extension VerifyResult {
    var json: JSONObject {
        var line = JSONObject()
        line.add("clean", isClean)
        line.add("expected", expected)
        line.add("received", received)
        line.add("lost", lost)
        line.add("duplicates", duplicates)
        line.add("redelivered", redelivered)
        line.add("reordered", reordered)
        line.add("misrouted", misrouted)
        line.add("corrupt", corrupt)
        return line
    }

    var text: String {
        let all = [
            (lost, "lost"), (duplicates, "duplicate"), (reordered, "reordered"), (misrouted, "misrouted"),
            (corrupt, "corrupt"),
        ]
        let found = all.filter { $0.0 > 0 }.map { "\(Quantity.grouped($0.0)) \($0.1)" }
        let problems = found.isEmpty ? "clean" : "NOT CLEAN: " + found.joined(separator: ", ")
        let again = redelivered > 0 ? ", \(Quantity.grouped(redelivered)) redelivered" : ""
        return "\(problems); \(Quantity.grouped(received)) of \(Quantity.grouped(expected)) deliveries\(again)"
    }
}
