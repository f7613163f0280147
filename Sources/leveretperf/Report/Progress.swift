import Console
import Glibc

/// One line on standard error that is written over again and again, for who watches.
final class Progress {
    private static let intervalNanoseconds: UInt64 = 500_000_000

    private let isShown: Bool
    private let name: String
    private let start = MonotonicClock.nanoseconds
    private var last = CounterSample()
    private var isLineOpen = false

    /// - Parameter isForced: also where standard error is no terminal.
    init(_ name: String, isForced: Bool) {
        self.name = name
        isShown = isForced || isatty(2) == 1
    }

    func show(_ sample: CounterSample) {
        guard isShown, sample.time - max(last.time, start) >= Self.intervalNanoseconds else { return }
        let seconds = Double(sample.time - max(last.time, start)) / 1e9
        // Another stage of a run begins to count again.
        if sample.published < last.published || sample.consumed < last.consumed { last = CounterSample() }
        TextOutput.error.write(
            "\r\u{1B}[K" + Self.line(name, from: last, to: sample, start: start, seconds: seconds))
        last = sample
        isLineOpen = true
    }

    /// A word instead of rates, while something is prepared.
    func show(_ text: String) {
        guard isShown else { return }
        TextOutput.error.write("\r\u{1B}[K\(name): \(text)")
        isLineOpen = true
    }

    func showOpened(_ opened: Int, of count: Int) {
        let now = MonotonicClock.nanoseconds
        guard isShown, now - max(last.time, start) >= Self.intervalNanoseconds else { return }
        last.time = now
        show("opened \(Quantity.grouped(opened)) of \(Quantity.grouped(count)) connections")
    }

    func end() {
        guard isLineOpen else { return }
        TextOutput.error.write("\r\u{1B}[K")
        isLineOpen = false
    }

    static func line(
        _ name: String, from last: CounterSample, to sample: CounterSample, start: UInt64, seconds: Double
    ) -> String {
        let elapsed = Quantity.fixed(Double(sample.time - start) / 1e9, 1)
        let published = Quantity.grouped(Int(Double(sample.published - last.published) / seconds))
        let consumed = Quantity.grouped(Int(Double(sample.consumed - last.consumed) / seconds))
        var line = "\(name) \(elapsed) s: published \(published)/s, consumed \(consumed)/s"
        if sample.confirmed > 0 {
            line += ", unconfirmed \(Quantity.grouped(max(0, sample.published - sample.confirmed)))"
        }
        if sample.blocked > 0 { line += ", blocked \(sample.blocked) times" }
        return line
    }
}
