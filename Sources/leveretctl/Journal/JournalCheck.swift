import Journal

/// What `leveretctl journal check` has found.
struct JournalCheck {
    /// Something that is not as it was written.
    struct Damage: Equatable {
        let file: String
        /// Where in the file; nil when it is the file as a whole.
        let offset: Int?
        /// Where in the log, if it can be told.
        let position: UInt64?
        let reason: String
    }

    var recordCounts: [RecordKind: Int] = [:]
    var liveMessageCount = 0
    var liveByteCount = 0
    var deadByteCount = 0
    /// At the end of the log: written, and never confirmed to anybody.
    var tornByteCount = 0
    var damage: [Damage] = []

    var isSound: Bool { damage.isEmpty }

    func text(path: String) -> String {
        var text = "journal      \(printable(path))\n"
        text += "records      \(recordCounts.values.reduce(0, +))\n"
        for (kind, count) in recordCounts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let name = kind.text
            text += "  \(name)\(String(repeating: " ", count: max(1, 16 - name.count)))\(count)\n"
        }
        text += "live         \(liveMessageCount) messages, \(liveByteCount) bytes\n"
        text += "dead         \(deadByteCount) bytes\n"
        if tornByteCount > 0 {
            text += "torn         \(tornByteCount) bytes at the end, which nobody was told were safe\n"
        }
        text += "quarantined  \(damage.count)\n"
        for damage in damage { text += "  \(damage.text)\n" }
        return text + "result       \(isSound ? "sound" : "damaged")\n"
    }
}

extension JournalCheck.Damage {
    fileprivate var text: String {
        let place = offset.map { ", offset \($0)" } ?? ""
        let order = position.map { " (position \($0))" } ?? ""
        return "\(printable(file))\(place)\(order): \(printable(reason))"
    }
}

extension RecordKind {
    /// The kind's name in results.
    var text: String { "\(self)" }
}
