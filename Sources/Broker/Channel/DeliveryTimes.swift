/// When the unacked deliveries of a channel were made, about: each tick notes how far the delivery tags are, so nothing
/// is noted per delivery. What is long ago is known less exactly.
struct DeliveryTimes {
    private struct Mark {
        /// Deliveries up to this tag, and above the mark's before, were made until this time.
        let tag: UInt64
        let milliseconds: UInt64
    }

    private static let markLimit = 64
    private var marks: [Mark] = []
    private(set) var latestTag: UInt64 = 0

    var isEmpty: Bool { marks.isEmpty }

    /// - Parameter firstUnacked: the oldest delivery that is not settled; nil when there is none.
    mutating func note(latestTag tag: UInt64, firstUnacked: UInt64?, now milliseconds: UInt64) {
        defer { latestTag = tag }
        guard let firstUnacked else {
            if !marks.isEmpty { marks = [] }
            return
        }
        marks.removeAll { $0.tag < firstUnacked }
        if tag > latestTag { marks.append(Mark(tag: tag, milliseconds: milliseconds)) }
        guard marks.count > Self.markLimit else { return }
        // Of the older half every second one goes: its deliveries count as made a little later.
        let half = marks.count / 2
        marks = marks.indices.filter { $0 >= half || $0 % 2 == 1 }.map { marks[$0] }
    }

    func milliseconds(of tag: UInt64, now: UInt64) -> UInt64 {
        marks.first { $0.tag >= tag }?.milliseconds ?? now
    }
}
