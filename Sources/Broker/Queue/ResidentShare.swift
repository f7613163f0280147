/// Which chunks of deep queues stay in memory while the others leave it: one of so many, evenly spread. What is read
/// back is less then, and a drain has something from memory wherever it is.
///
/// At first all stay. When memory is scarce it is one in eight at once, since what has just been published leaves at
/// less cost than what has lain for a while; each time that memory is scarce again and no other chunk can leave, half
/// of those that have stayed does.
struct ResidentShare: Equatable {
    /// One of so many; 0: none.
    private var stride: UInt64

    private static let firstStride: UInt64 = 8
    private static let largestStride: UInt64 = 4096

    static let all = ResidentShare(stride: 1)
    static let none = ResidentShare(stride: 0)

    @inline(__always)
    func contains(_ serial: UInt64) -> Bool { stride != 0 && serial & (stride - 1) == 0 }

    /// Returns whether it was more than none. What is not in a share is in no smaller one.
    mutating func shrink() -> Bool {
        if stride == 0 { return false }
        stride = max(stride * 2, Self.firstStride)
        if stride > Self.largestStride { stride = 0 }
        return true
    }
}
