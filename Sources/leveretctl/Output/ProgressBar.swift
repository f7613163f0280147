import Console

/// How far something is that takes its time, on one line of standard error that is drawn again and again.
///
/// It shows itself only on a terminal, and only once the work has taken a second.
struct ProgressBar {
    private let title: String
    private let total: Int
    private let start: ContinuousClock.Instant
    private var lastDrawn: ContinuousClock.Instant?
    let isShown: Bool

    init(_ title: String, total: Int, isQuiet: Bool = false, now: ContinuousClock.Instant = .now) {
        self.title = title
        self.total = total
        start = now
        isShown = Terminal.isErrors && !isQuiet
    }

    mutating func update(_ done: Int) {
        let now = ContinuousClock.now
        guard isShown, isDue(now) else { return }
        lastDrawn = now
        TextOutput.error.write("\r\u{1B}[K" + line(done, after: now - start, columns: Terminal.size?.columns ?? 80))
    }

    mutating func finish() {
        guard lastDrawn != nil else { return }
        TextOutput.error.write("\r\u{1B}[K")
        lastDrawn = nil
    }

    /// First after a second, then five times a second.
    func isDue(_ now: ContinuousClock.Instant) -> Bool {
        if let lastDrawn { return now - lastDrawn >= .milliseconds(200) }
        return now - start >= .seconds(1)
    }

    /// Such as `importing [#####.....] 50 %  5,000 of 10,000  2,500/s  2 s left`.
    func line(_ done: Int, after elapsed: Duration, columns: Int) -> String {
        let seconds = max(0.001, Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18)
        let rate = Double(done) / seconds
        var numbers = "\(Quantity.grouped(done)) of \(Quantity.grouped(total))  \(Quantity.grouped(Int(rate)))/s"
        let share = total > 0 ? min(1, Double(done) / Double(total)) : 1
        // From the first few nothing can be told.
        if rate > 0, done < total, done >= total / 50 {
            numbers += "  \(Quantity.seconds(Double(total - done) / rate)) left"
        }
        let width = min(30, columns - title.count - numbers.count - 14)
        guard width >= 5 else { return Terminal.cut("\(title) \(numbers)", to: columns - 1) }
        let filled = Int(share * Double(width))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        return "\(title) [\(bar)] \(Int(share * 100)) %  \(numbers)"
    }
}
