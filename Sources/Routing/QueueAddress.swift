/// Where a queue lives: 8 bytes, trivially copyable.
@usableFromInline
package struct QueueAddress: Hashable, Sendable, BitwiseCopyable {
    /// The place in the owner shard's array of queues.
    @usableFromInline package let slot: UInt32
    /// The shard in the top 8 bits, the generation of the slot in the low 24.
    @usableFromInline package let tag: UInt32

    /// - Precondition: `shard` is in `0...255` and `generation` below 2^24.
    @inlinable
    package init(shard: Int, slot: UInt32, generation: UInt32) {
        precondition(shard >= 0 && shard <= 0xFF && generation <= 0xFF_FFFF)
        self.slot = slot
        self.tag = UInt32(truncatingIfNeeded: shard) << 24 | generation
    }

    @inlinable package var shard: Int { Int(tag >> 24) }
    @inlinable package var generation: UInt32 { tag & 0xFF_FFFF }
}
