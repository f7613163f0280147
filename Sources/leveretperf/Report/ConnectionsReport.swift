import Console
import JSON

/// What many connections cost, for people and for programs.
struct ConnectionsReport {
    let result: ConnectionsResult

    var json: JSONObject {
        var line = JSONObject()
        line.add("scenario", Scenario.connections.rawValue)
        line.add("broker", result.product)
        line.add("place", result.place)
        line.add("count", result.count)
        line.add("bare", result.isBare)
        line.add("open_s", result.openSeconds)
        line.add("open_rate", result.openRate, decimals: 1)
        line.add("open_us", result.open.json)
        line.add("close_s", result.closeSeconds)
        line.add("close_rate", result.closeRate, decimals: 1)
        if let use = result.openUse {
            line.add("client_cpu_s", use.clientSeconds)
            if let seconds = use.brokerSeconds {
                line.add("broker_cpu_ms_per_open", seconds * 1000 / Double(result.count))
            }
            if let cores = use.otherCores {
                line.add(use.brokerSeconds == nil ? "broker_and_other_cores" : "other_cores", cores)
            }
        }
        if let cores = result.holdUse?.brokerCores { line.add("broker_idle_cores", cores) }
        if let before = result.residentBeforeKibibytes, let held = result.residentHeldKibibytes {
            line.add("rss_before_mib", Double(before) / 1024, decimals: 1)
            line.add("rss_held_mib", Double(held) / 1024, decimals: 1)
        }
        if let size = result.kibibytesPerConnection { line.add("kib_per_connection", size, decimals: 2) }
        return line
    }

    var text: String {
        let kind = result.isBare ? "bare" : "each with a channel, a queue and a consumer"
        var lines = [
            "connections with \(result.product.isEmpty ? "a broker" : result.product) at \(result.place)",
            "  \(Quantity.grouped(result.count)), \(kind)",
            "  opened     \(Quantity.grouped(result.openRate))/s in \(Quantity.fixed(result.openSeconds, 2)) s",
            "  each       \(result.open.text)",
            "  closed     \(Quantity.grouped(result.closeRate))/s in \(Quantity.fixed(result.closeSeconds, 2)) s",
        ]
        if let size = result.kibibytesPerConnection {
            lines.append("  memory     \(Quantity.fixed(size, 1)) KiB a connection in the broker")
        }
        if let use = result.openUse { lines += UseReport(use, peakKibibytes: nil).lines }
        if let cores = result.holdUse?.brokerCores {
            lines.append("  idle       broker \(Quantity.fixed(cores, 3)) cores while they were held")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
