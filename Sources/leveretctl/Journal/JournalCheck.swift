import Broker
import Console
import Journal

/// What `leveretctl journal check` has found.
struct JournalCheck {
    /// Something that is not as it was written.
    struct Damage: Equatable {
        /// nil when the reason is a whole sentence.
        let file: String?
        /// Where in the file; nil when it is the file as a whole.
        let offset: Int?
        /// Where in the log, if it can be told.
        let position: UInt64?
        let reason: String
    }

    struct Records: Equatable {
        var count = 0
        var byteCount = 0
    }

    struct Checkpoint: Equatable {
        let generation: UInt64
        let position: UInt64
    }

    var checkpoint: Checkpoint?
    var segmentCount = 0
    var segmentByteCount = 0
    var records: [RecordKind: Records] = [:]
    /// nil when it cannot be read.
    var topology: DurableTopology? = DurableTopology()
    var liveMessageCount = 0
    /// Live messages of queues that the topology does not have.
    var orphanCount = 0
    /// Bytes of records: of the live messages, and of all others.
    var liveByteCount = 0
    var deadByteCount = 0
    /// At the end of the log: written, and never confirmed to anybody.
    var tornByteCount = 0
    /// The first ones.
    private(set) var damage: [Damage] = []
    private(set) var damageCount = 0

    private static let damageLimit = 1000

    var isSound: Bool { damageCount == 0 }

    mutating func add(_ found: Damage) {
        damageCount += 1
        if damage.count < Self.damageLimit { damage.append(found) }
    }

    func text(path: String) -> String {
        var rows = [("journal", printable(path)), ("checkpoint", checkpointText)]
        rows.append(("segments", "\(Quantity.grouped(segmentCount)), \(Quantity.bytes(segmentByteCount))"))
        if let topologyText { rows.append(("topology", topologyText)) }
        rows.append(
            ("live", "\(Quantity.count(liveMessageCount, "message")), \(Quantity.bytes(liveByteCount))"))
        if orphanCount > 0 {
            let messages = Quantity.count(orphanCount, "message")
            rows.append(("orphans", "\(messages) of queues that are not in the topology: a broker's start drops them"))
        }
        rows.append(("dead", Quantity.bytes(deadByteCount)))
        if tornByteCount > 0 {
            rows.append(("torn", "\(Quantity.bytes(tornByteCount)) at the end, which nobody was told were safe"))
        }
        var text = rows.map(Self.line).joined()
        let all = records.values.reduce(into: Records()) {
            $0.count += $1.count
            $0.byteCount += $1.byteCount
        }
        var table = [["records", Quantity.grouped(all.count), Quantity.bytes(all.byteCount)]]
        for (kind, found) in records.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            table.append(["  \(kind.text)", Quantity.grouped(found.count), Quantity.bytes(found.byteCount)])
        }
        for line in Columns.aligned(table, firstWidth: 10) { text += line + "\n" }
        if !isSound { text += Self.line("damage", Quantity.count(damageCount, "place")) }
        for damage in damage { text += "  \(damage.text)\n" }
        if damageCount > damage.count { text += "  and \(Quantity.grouped(damageCount - damage.count)) more\n" }
        return text + Self.line("result", isSound ? "sound" : "damaged")
    }

    private static func line(_ name: String, _ value: String) -> String {
        name + String(repeating: " ", count: max(1, 12 - name.count)) + value + "\n"
    }

    private var checkpointText: String {
        guard let checkpoint else { return "none" }
        return "number \(Quantity.grouped(checkpoint.generation)), at position \(Quantity.grouped(checkpoint.position))"
    }

    private var topologyText: String? {
        guard let hosts = topology?.virtualHosts.values else { return nil }
        let exchangeCount = hosts.reduce(0) { $0 + $1.exchanges.count }
        let queueCount = hosts.reduce(0) { $0 + $1.queues.count }
        let bindingCount = hosts.reduce(0) { sum, host in host.bindings.reduce(sum) { count, _ in count + 1 } }
        return [
            Quantity.count(hosts.count, "virtual host"), Quantity.count(exchangeCount, "exchange"),
            Quantity.count(queueCount, "queue"), Quantity.count(bindingCount, "binding"),
        ].joined(separator: ", ")
    }
}

extension JournalCheck.Damage {
    fileprivate var text: String {
        guard let file else { return printable(reason) }
        let place = offset.map { ", offset \($0)" } ?? ""
        let order = position.map { " (position \($0))" } ?? ""
        return "\(printable(file))\(place)\(order): \(printable(reason))"
    }
}

extension RecordKind {
    /// The kind's name in results.
    var text: String {
        switch self {
        case .batch: "batch"
        case .message: "message"
        case .replacement: "replacement"
        case .moved: "moved"
        case .settlements: "settlements"
        case .deliveryMark: "deliveryMark"
        case .delivered: "delivered"
        case .deliveryCount: "deliveryCount"
        case .stateChange: "stateChange"
        case .holderRemoved: "holderRemoved"
        case .stateSnapshot: "stateSnapshot"
        case .end: "end"
        }
    }
}
