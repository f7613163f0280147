import AMQPWire
import Glibc

/// What a consumer does with bodies that carry a stamp: latencies, and the ledger of `--verify`.
final class BodyReader {
    private let control: RunControl
    private let latencies: LatencyRecorder?
    private let verifier: DeliveryVerifier?
    /// What stands in a body behind its stamp.
    private let pattern: [UInt8]
    private var readTime: UInt64 = 0
    private var stamp: Stamp?
    private var offset = 0
    private var isIntact = true

    init(_ plan: LoadPlan, _ control: RunControl, latencies: LatencyRecorder?, verifier: DeliveryVerifier?) {
        self.control = control
        self.latencies = latencies
        self.verifier = verifier
        pattern = MessageRing.body(plan.bodyByteCount)
    }

    func beginRead(at time: UInt64) { readTime = time }

    func beginDelivery(consumerTag: UnsafeRawPointer, count: Int, isRedelivered: Bool) {
        verifier?.begin(consumerTag: consumerTag, count: count, isRedelivered: isRedelivered)
    }

    func begin(byteCount: Int) {
        offset = 0
        stamp = nil
        isIntact = byteCount == pattern.count
    }

    /// Whether so many bytes of a body frame of that size are enough to look at it.
    @inline(__always)
    func canBegin(with available: Int, of size: Int) -> Bool {
        offset > 0 || available >= min(size, LoadPlan.stampByteCount)
    }

    /// The next bytes of the body; the first ones hold the whole stamp, or the body is not one of ours.
    func take(_ bytes: UnsafeMutableRawPointer, _ count: Int) {
        guard count > 0 else { return }
        var start = 0
        if offset == 0 {
            if count >= LoadPlan.stampByteCount { stamp = Stamp(bytes, secret: control.secret) }
            start = min(count, LoadPlan.stampByteCount)
        }
        if verifier != nil, isIntact, count > start {
            let matches = pattern.withUnsafeBytes { pattern in
                guard let base = pattern.baseAddress, offset + count <= pattern.count else { return false }
                return memcmp(base + offset + start, bytes + start, count - start) == 0
            }
            if !matches { isIntact = false }
        }
        offset += count
    }

    func complete() {
        if let latencies, let stamp { latencies.record(from: control.epoch &+ stamp.time, to: readTime) }
        verifier?.complete(isIntact ? stamp : nil)
    }
}
