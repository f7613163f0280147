/// The unconfirmed messages of a producer. A broker may confirm them one by one in any order, or many at once.
struct ConfirmWindow: ~Copyable {
    /// Messages that may be unconfirmed.
    let limit: Int
    private let mask: Int
    /// By message number and mask: confirmed already, though an earlier one is not.
    private let isConfirmed: UnsafeMutablePointer<Bool>
    /// By message number and mask: when it was to be sent.
    private let times: UnsafeMutablePointer<UInt64>
    /// Every message before this one is confirmed.
    private(set) var first = 0
    private(set) var confirmed = 0
    private(set) var nacked = 0

    init(limit: Int) {
        self.limit = limit
        var capacity = 1
        while capacity < limit * 2 { capacity *= 2 }
        mask = capacity - 1
        isConfirmed = .allocate(capacity: capacity)
        isConfirmed.initialize(repeating: false, count: capacity)
        times = .allocate(capacity: capacity)
        times.initialize(repeating: 0, count: capacity)
    }

    deinit {
        isConfirmed.deallocate()
        times.deallocate()
    }

    /// How many messages may have been sent by now, counted from the first of all.
    var allowed: Int { min(confirmed + limit, first + mask + 1) }

    @inline(__always)
    func note(_ number: Int, time: UInt64) { times[number & mask] = time }

    /// Takes an ack or a nack of the broker; `sent` are the messages sent so far. Returns false for a tag that it
    /// cannot know.
    mutating func settle(
        tag: UInt64, multiple: Bool, isNack: Bool, sent: Int, latencies: LatencyRecorder?, now: UInt64
    ) -> Bool {
        guard tag <= UInt64(sent), tag > 0 || multiple else { return false }
        let end = tag == 0 ? sent : Int(tag)
        var count = 0
        if multiple {
            var number = first
            while number < end {
                let slot = number & mask
                if isConfirmed[slot] {
                    isConfirmed[slot] = false
                } else {
                    count += 1
                    latencies?.record(from: times[slot], to: now)
                }
                number += 1
            }
            first = max(first, end)
        } else if end > first, !isConfirmed[(end - 1) & mask] {
            isConfirmed[(end - 1) & mask] = true
            count = 1
            latencies?.record(from: times[(end - 1) & mask], to: now)
        }
        while first < sent, isConfirmed[first & mask] {
            isConfirmed[first & mask] = false
            first += 1
        }
        confirmed += count
        if isNack { nacked += count }
        return true
    }
}
