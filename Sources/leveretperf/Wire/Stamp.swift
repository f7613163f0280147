/// The first 16 bytes of a body that carries something:
///
///     0                            8                16
///     +----------+-----------------+-------+---------+
///     | producer | number          | check | time    |
///     +----------+-----------------+-------+---------+
///      16 bits    48 bits           16 bits 48 bits
///
/// The time is the one at which the message was to be sent, in nanoseconds since the run began.
struct Stamp: Equatable, Sendable {
    static let low48: UInt64 = 0xFFFF_FFFF_FFFF

    let producer: Int
    let number: Int
    let time: UInt64

    /// Writes a stamp. `secret` is the run's, so that no other run's message passes for one of this.
    @inline(__always)
    static func write(producer: Int, number: Int, time: UInt64, secret: UInt64, to body: UnsafeMutableRawPointer) {
        let first = UInt64(truncatingIfNeeded: producer) << 48 | UInt64(truncatingIfNeeded: number) & low48
        let masked = time & low48
        let second = check(first, masked, secret) << 48 | masked
        body.storeBytes(of: first.bigEndian, as: UInt64.self)
        (body + 8).storeBytes(of: second.bigEndian, as: UInt64.self)
    }

    /// nil when the bytes are none of this run's stamps.
    @inline(__always)
    init?(_ body: UnsafeRawPointer, secret: UInt64) {
        let first = UInt64(bigEndian: body.loadUnaligned(as: UInt64.self))
        let second = UInt64(bigEndian: body.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        let masked = second & Self.low48
        guard second >> 48 == Self.check(first, masked, secret) else { return nil }
        producer = Int(first >> 48)
        number = Int(first & Self.low48)
        time = masked
    }

    @inline(__always)
    private static func check(_ first: UInt64, _ time: UInt64, _ secret: UInt64) -> UInt64 {
        mixed(first ^ mixed(time ^ secret)) >> 48
    }
}
