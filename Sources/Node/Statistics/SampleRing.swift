/// The latest samples of something, at most so many, at least so far apart.
struct SampleRing<Sample: Sendable>: Sendable {
    let capacity: Int
    let intervalMilliseconds: UInt64
    /// A sample, and when it was taken: in milliseconds since 1970.
    struct Moment: Sendable {
        let milliseconds: UInt64
        let sample: Sample
    }

    private var samples: [Moment] = []
    /// Where the oldest is, once the ring is full.
    private var head = 0

    init(capacity: Int, intervalMilliseconds: UInt64) {
        self.capacity = capacity
        self.intervalMilliseconds = intervalMilliseconds
    }

    var count: Int { samples.count }
    var latest: Moment? { samples.isEmpty ? nil : self[0] }
    var oldest: Moment? { samples.isEmpty ? nil : self[samples.count - 1] }

    /// How far back it goes when it is full.
    var spanMilliseconds: UInt64 { UInt64(capacity - 1) * intervalMilliseconds }

    /// By age: the latest is 0.
    subscript(age: Int) -> Moment {
        samples[(head + samples.count - 1 - age) % samples.count]
    }

    /// Takes the sample unless it is too early for one.
    mutating func append(_ sample: Sample, milliseconds: UInt64) {
        // A timer is never exact: a sample that is nearly due is due.
        let tolerance = min(intervalMilliseconds / 10, 500)
        if count > 0, milliseconds + tolerance < self[0].milliseconds + intervalMilliseconds { return }
        if samples.count < capacity {
            samples.append(Moment(milliseconds: milliseconds, sample: sample))
        } else {
            samples[head] = Moment(milliseconds: milliseconds, sample: sample)
            head = (head + 1) % capacity
        }
    }

    /// The latest sample that was there at a time; nil when all are later.
    func sample(at milliseconds: UInt64) -> Moment? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].milliseconds > milliseconds { low = middle + 1 } else { high = middle }
        }
        return low < count ? self[low] : nil
    }
}
