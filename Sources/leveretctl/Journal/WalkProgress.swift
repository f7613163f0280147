import Console

/// Says on standard error how far a long walk is: once a second, from the second second on.
struct WalkProgress {
    private var nextAt: ContinuousClock.Instant

    private let isSilent: Bool

    init(isSilent: Bool = false, now: ContinuousClock.Instant = .now) {
        self.isSilent = isSilent
        nextAt = now + .seconds(1)
    }

    mutating func report(_ verb: String, doneByteCount: Int, totalByteCount: Int) {
        if let line = line(verb, doneByteCount: doneByteCount, totalByteCount: totalByteCount, now: .now) {
            TextOutput.error.write(line + "\n")
        }
    }

    /// nil while it is too early for another one.
    mutating func line(
        _ verb: String, doneByteCount: Int, totalByteCount: Int, now: ContinuousClock.Instant
    ) -> String? {
        guard !isSilent, now >= nextAt else { return nil }
        nextAt = now + .seconds(1)
        return "leveretctl: \(verb) \(Quantity.grouped(doneByteCount >> 20)) of "
            + "\(Quantity.grouped(totalByteCount >> 20)) MiB"
    }
}
