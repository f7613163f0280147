/// How many live messages each holder has, and which holders are gone: a hash table, one cache line's look a message.
struct HolderTable {
    struct Slot {
        var holder: UInt32
        /// 0 for an empty slot.
        var state: UInt32
        var liveCount: Int
    }

    static let present: UInt32 = 1
    /// Removed since the last checkpoint.
    static let removed: UInt32 = 2
    /// Removed before the last checkpoint. Messages that other lanes sent on their way before they knew are long here,
    /// so that the next checkpoint can forget the holder.
    static let removedLongAgo: UInt32 = 3

    private(set) var slots: UnsafeMutablePointer<Slot>
    private(set) var capacity = 64
    private(set) var count = 0
    private var last = 0

    init() {
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: Slot(holder: 0, state: 0, liveCount: 0), count: capacity)
    }

    func deallocate() { slots.deallocate() }

    @inline(__always)
    private func start(_ holder: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(holder) &* 0x9e37_79b9_7f4a_7c15) >> 32) & (capacity &- 1)
    }

    /// The slot of a holder, made if there is none. Valid until the next call.
    @inline(__always)
    mutating func slot(_ holder: UInt32) -> UnsafeMutablePointer<Slot> {
        let cached = slots + last
        if cached.pointee.holder == holder, cached.pointee.state != 0 { return cached }
        return search(holder)
    }

    @inline(never)
    private mutating func search(_ holder: UInt32) -> UnsafeMutablePointer<Slot> {
        if count &* 2 >= capacity { rebuild(capacity * 2) { _ in true } }
        var place = start(holder)
        while slots[place].state != 0, slots[place].holder != holder { place = (place &+ 1) & (capacity &- 1) }
        if slots[place].state == 0 {
            slots[place] = Slot(holder: holder, state: Self.present, liveCount: 0)
            count += 1
        }
        last = place
        return slots + place
    }

    /// Keeps what the closure wants, in a table of another size.
    private mutating func rebuild(_ newCapacity: Int, keeping: (Slot) -> Bool) {
        let old = UnsafeMutableBufferPointer(start: slots, count: capacity)
        capacity = newCapacity
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: Slot(holder: 0, state: 0, liveCount: 0), count: capacity)
        count = 0
        last = 0
        for slot in old where slot.state != 0 && keeping(slot) {
            var place = start(slot.holder)
            while slots[place].state != 0 { place = (place + 1) & (capacity - 1) }
            slots[place] = slot
            count += 1
        }
        old.deallocate()
    }

    /// At a checkpoint: removed holders come of age, those of the time before are forgotten.
    mutating func ageRemoved() {
        rebuild(capacity) { $0.state != Self.removedLongAgo || $0.liveCount > 0 }
        for place in 0..<capacity where slots[place].state == Self.removed { slots[place].state = Self.removedLongAgo }
    }

    /// All slots in use.
    func forEach(_ body: (Slot) -> Void) {
        for place in 0..<capacity where slots[place].state != 0 { body(slots[place]) }
    }
}
