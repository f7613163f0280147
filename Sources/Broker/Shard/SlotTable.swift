/// Values at stable addresses, found by slot and told apart over reuse of the slot by a generation.
struct SlotTable<Value: ~Copyable>: ~Copyable {
    private struct Slot {
        var value: UnsafeMutablePointer<Value>?
        var generation: UInt32
    }

    private var slots: [Slot] = []
    /// Freed slots in the order they were freed: the longest unused one is used first, so generations rise slowly.
    private var free = RingBuffer<UInt32>()
    private let generationMask: UInt32

    /// - Parameter generationBits: how many bits of the generation an address can carry.
    init(generationBits: Int = 32) {
        generationMask = generationBits == 32 ? .max : (1 << UInt32(generationBits)) - 1
    }

    /// The value if that slot still holds that generation.
    @inline(__always)
    subscript(slot: UInt32, generation: UInt32) -> UnsafeMutablePointer<Value>? {
        guard Int(slot) < slots.count else { return nil }
        return slots.withUnsafeBufferPointer {
            let found = $0[Int(slot)]
            return found.generation == generation ? found.value : nil
        }
    }

    subscript(slot: UInt32) -> UnsafeMutablePointer<Value>? {
        Int(slot) < slots.count ? slots[Int(slot)].value : nil
    }

    mutating func insert(_ make: (_ slot: UInt32, _ generation: UInt32) -> Value)
        -> (slot: UInt32, generation: UInt32, value: UnsafeMutablePointer<Value>)
    {
        let slot: UInt32
        if let reused = free.popFirst() {
            slot = reused
        } else {
            slot = UInt32(slots.count)
            slots.append(Slot(value: nil, generation: 0))
        }
        let generation = slots[Int(slot)].generation
        let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        value.initialize(to: make(slot, generation))
        slots[Int(slot)].value = value
        return (slot, generation, value)
    }

    mutating func remove(slot: UInt32) {
        guard let value = slots[Int(slot)].value else { return }
        value.deinitialize(count: 1)
        value.deallocate()
        slots[Int(slot)].value = nil
        slots[Int(slot)].generation = (slots[Int(slot)].generation &+ 1) & generationMask
        free.append(slot)
    }

    /// The slots in use, in order.
    func occupiedSlots() -> [UInt32] {
        slots.indices.filter { slots[$0].value != nil }.map { UInt32($0) }
    }

    /// Also those that are free.
    var slotCount: Int { slots.count }

    /// The values in use from a slot on, at most so many, and the slot to go on from; nil at the end. Free slots are
    /// passed over, but not without end.
    func occupied(from start: Int, limit: Int) -> (values: [UnsafeMutablePointer<Value>], next: Int?) {
        var found: [UnsafeMutablePointer<Value>] = []
        let next = forEachOccupied(from: start, limit: limit) { found.append($0) }
        return (found, next)
    }

    /// The same, one after the other and without an array of them.
    ///
    /// - Parameter body: must neither insert nor remove.
    @inline(__always)
    func forEachOccupied(from start: Int, limit: Int, _ body: (UnsafeMutablePointer<Value>) -> Void) -> Int? {
        var slot = max(start, 0)
        let end = slot + 16 * limit
        var left = limit
        return slots.withUnsafeBufferPointer { slots in
            while slot < slots.count {
                if left == 0 || slot == end { return slot }
                if let value = slots[slot].value {
                    body(value)
                    left -= 1
                }
                slot += 1
            }
            return nil
        }
    }

    mutating func deallocate() {
        for slot in occupiedSlots() { remove(slot: slot) }
        free.deallocate()
    }
}
