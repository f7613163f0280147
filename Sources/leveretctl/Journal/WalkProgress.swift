/// Says on standard error how far a long walk is: once a second, from the second second on.
struct WalkProgress {
    private let verb: String
    private var nextAt: ContinuousClock.Instant

    init(verb: String, now: ContinuousClock.Instant = .now) {
        self.verb = verb
        nextAt = now + .seconds(1)
    }

    mutating func report(doneByteCount: Int, totalByteCount: Int) {
        if let line = line(doneByteCount: doneByteCount, totalByteCount: totalByteCount, now: .now) {
            StandardError.write(line + "\n")
        }
    }

    /// nil while it is too early for another one.
    mutating func line(
        doneByteCount: Int, totalByteCount: Int, now: ContinuousClock.Instant
    ) -> String? {
        guard now >= nextAt else { return nil }
        nextAt = now + .seconds(1)
        return "leveretctl: \(verb) \(doneByteCount >> 20) of \(totalByteCount >> 20) MiB"
    }
}
