/// What some counters were at the latest samples: for rates, and a short history.
///
/// Bounded: `depth` differences of each series, 4 bytes each, and only while something changes; of what stands still
/// nothing is kept but the values themselves.
final class SampleHistory {
    /// A minute, at a sample every five seconds.
    static let depth = 12

    private let seriesCount: Int
    private let latest: UnsafeMutablePointer<UInt64>
    /// By sample, then by series; the place of a sample is its number modulo the depth. nil while all stands still.
    private var differences: UnsafeMutablePointer<Int32>?
    private var latestNumber: UInt64
    private var stillCount = 0

    /// - Parameter base: what the values were at the sample before the first one that is noted.
    init(base: UnsafeBufferPointer<UInt64>, number: UInt64) {
        seriesCount = base.count
        latest = .allocate(capacity: base.count)
        for (series, value) in base.enumerated() { (latest + series).initialize(to: value) }
        latestNumber = number
    }

    /// Begins with a sample of counters that were all 0 at the one before.
    convenience init(first values: UnsafeBufferPointer<UInt64>, number: UInt64) {
        self.init(seriesCount: values.count, number: number - 1)
        _ = note(values, number: number)
    }

    private init(seriesCount: Int, number: UInt64) {
        self.seriesCount = seriesCount
        latest = .allocate(capacity: seriesCount)
        latest.initialize(repeating: 0, count: seriesCount)
        latestNumber = number
    }

    deinit {
        latest.deallocate()
        differences?.deallocate()
    }

    /// Notes a sample. Returns whether something has changed since the last one.
    func note(_ values: UnsafeBufferPointer<UInt64>, number: UInt64) -> Bool {
        guard number > latestNumber else { return false }
        let hasChanged = !isAt(values)
        defer { latestNumber = number }
        if hasChanged {
            stillCount = 0
            if differences == nil {
                differences = .allocate(capacity: Self.depth * seriesCount)
                differences?.initialize(repeating: 0, count: Self.depth * seriesCount)
            }
        } else {
            stillCount += 1
            if stillCount >= Self.depth {
                differences?.deallocate()
                differences = nil
            }
        }
        guard let differences else { return false }
        // Samples that were missed saw nothing.
        for missed in max(latestNumber + 1, number - min(number, UInt64(Self.depth)))..<number {
            let row = differences + Int(missed % UInt64(Self.depth)) * seriesCount
            for series in 0..<seriesCount { row[series] = 0 }
        }
        let row = differences + Int(number % UInt64(Self.depth)) * seriesCount
        for series in 0..<seriesCount {
            row[series] = Int32(truncatingIfNeeded: values[series] &- latest[series])
            latest[series] = values[series]
        }
        return hasChanged
    }

    /// Whether nothing has changed since the last sample.
    func isAt(_ values: UnsafeBufferPointer<UInt64>) -> Bool {
        for series in 0..<seriesCount where values[series] != latest[series] { return false }
        return true
    }

    /// By how much a series changed up to the latest sample.
    func latestDifference(_ series: Int) -> Int {
        guard let differences else { return 0 }
        return Int(differences[Int(latestNumber % UInt64(Self.depth)) * seriesCount + series])
    }

    /// The values of a series, the latest sample's first.
    func values(_ series: Int, count: Int) -> [UInt64] {
        var value = latest[series]
        var values = [value]
        guard let differences else { return Array(repeating: value, count: max(count, 1)) }
        for back in 0..<min(max(count, 1) - 1, Self.depth) {
            guard latestNumber >= UInt64(back) else { break }
            let row = Int((latestNumber - UInt64(back)) % UInt64(Self.depth)) * seriesCount
            value &-= UInt64(bitPattern: Int64(differences[row + series]))
            values.append(value)
        }
        return values
    }
}

/// When samples were taken, in milliseconds since 1970.
struct SampleTimes {
    private(set) var latestNumber: UInt64 = 0
    /// The latest first.
    private(set) var milliseconds: [UInt64] = []

    mutating func begin(_ time: UInt64) {
        latestNumber += 1
        milliseconds.insert(time, at: 0)
        if milliseconds.count > SampleHistory.depth + 1 { milliseconds.removeLast() }
    }

    /// Between the two latest samples; nil before there are two.
    var intervalSeconds: Double? {
        guard milliseconds.count > 1, milliseconds[0] > milliseconds[1] else { return nil }
        return Double(milliseconds[0] - milliseconds[1]) / 1000
    }
}
