/// What a binding leads to: a queue's or an exchange's number in the routing table.
struct Target: BitwiseCopyable, Hashable {
    private static let exchangeBit: UInt32 = 1 << 31
    let bits: UInt32

    static func queue(_ index: UInt32) -> Target { Target(bits: index) }
    static func exchange(_ index: UInt32) -> Target { Target(bits: index | exchangeBit) }

    @inline(__always) var isExchange: Bool { bits & Target.exchangeBit != 0 }
    @inline(__always) var index: UInt32 { bits & ~Target.exchangeBit }
}

/// The targets of all bindings that match together. 16 bytes; a single entry lies within.
///
/// Removal moves the last entry into the gap, so every entry names its binding, which has to learn its new position.
/// A plain value around a pointer, freed with `deallocate`.
struct TargetList: BitwiseCopyable {
    struct Entry: BitwiseCopyable {
        var target: Target
        var binding: UInt32
    }

    private var only = Entry(target: .queue(0), binding: noIndex)
    private(set) var count: UInt32 = 0
    /// 0: the entry is `only`; otherwise `only` holds the bits of an address.
    private var capacity: UInt32 = 0

    @inline(__always) var isEmpty: Bool { count == 0 }

    /// The entry when it lies within; nil when there are none or `many` has them.
    @inline(__always)
    var single: Entry? { capacity == 0 && count == 1 ? only : nil }

    @inline(__always)
    var many: UnsafeMutableBufferPointer<Entry> {
        UnsafeMutableBufferPointer(start: capacity == 0 ? nil : memory, count: capacity == 0 ? 0 : Int(count))
    }

    @inline(__always)
    private var memory: UnsafeMutablePointer<Entry> {
        let address = UInt(only.binding) << 32 | UInt(only.target.bits)
        return UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
    }

    /// Returns the position at which it can be removed.
    mutating func append(_ target: Target, binding: UInt32) -> UInt32 {
        if count == 0, capacity == 0 {
            only = Entry(target: target, binding: binding)
        } else {
            if count >= capacity { resize(to: max(capacity * 2, 4)) }
            memory[Int(count)] = Entry(target: target, binding: binding)
        }
        count += 1
        return count - 1
    }

    /// Returns the binding that now is at `position`, or `noIndex` when none moved.
    mutating func remove(at position: UInt32) -> UInt32 {
        precondition(position < count, "no target at that position")
        count -= 1
        if count == 0 {
            deallocate()
            return noIndex
        }
        let moved = memory[Int(count)]
        memory[Int(position)] = moved
        if capacity > 8, count < capacity / 4 { resize(to: capacity / 2) }
        return position == count ? noIndex : moved.binding
    }

    private mutating func resize(to wanted: UInt32) {
        let resized = UnsafeMutablePointer<Entry>.allocate(capacity: Int(wanted))
        if capacity == 0 {
            resized[0] = only
        } else {
            resized.update(from: memory, count: Int(count))
            memory.deallocate()
        }
        let address = UInt(bitPattern: resized)
        only = Entry(
            target: Target(bits: UInt32(truncatingIfNeeded: address)),
            binding: UInt32(truncatingIfNeeded: UInt64(address) >> 32))
        capacity = wanted
    }

    mutating func deallocate() {
        if capacity > 0 { memory.deallocate() }
        self = TargetList()
    }
}
