/// The number that stands for "no record".
let noIndex = UInt32.max

/// An open-addressing hash index from 32-bit hashes to the numbers of records that live elsewhere.
///
/// Linear probing; removal shifts back, so there are no tombstones. It is at most half full, and shrinks when an eighth
/// is left. A slot keeps the whole hash: growing reads no record, and records are compared only when all 32 bits agree.
/// A plain value around a pointer, freed with `deallocate`.
struct HashSlots {
    struct Slot: BitwiseCopyable {
        var hash: UInt32
        var index: UInt32
    }

    private var base: UnsafeMutablePointer<Slot>?
    private var mask = 0
    private(set) var count = 0

    /// The record of that hash for which `matches` is true, or `noIndex`.
    @inline(__always)
    func find(_ hash: UInt32, _ matches: (UInt32) -> Bool) -> UInt32 {
        guard let base else { return noIndex }
        var position = Int(hash) & mask
        while true {
            let slot = base[position]
            if slot.index == noIndex { return noIndex }
            if slot.hash == hash, matches(slot.index) { return slot.index }
            position = (position + 1) & mask
        }
    }

    /// - Precondition: the record is not yet in.
    mutating func insert(_ hash: UInt32, _ index: UInt32) {
        if base == nil || (count + 1) * 2 > mask + 1 { resize(to: base == nil ? 8 : (mask + 1) * 2) }
        place(Slot(hash: hash, index: index))
        count += 1
    }

    /// - Precondition: the record is in.
    mutating func remove(_ hash: UInt32, _ index: UInt32) {
        guard let base else { preconditionFailure("removing from an empty index") }
        var hole = Int(hash) & mask
        while base[hole].index != index {
            precondition(base[hole].index != noIndex, "the record is not in the index")
            hole = (hole + 1) & mask
        }
        var probe = hole
        while true {
            probe = (probe + 1) & mask
            let slot = base[probe]
            if slot.index == noIndex { break }
            // A slot may move into the hole unless its home lies behind the hole.
            let distance = (probe - Int(slot.hash)) & mask
            if distance >= (probe - hole) & mask {
                base[hole] = slot
                hole = probe
            }
        }
        base[hole].index = noIndex
        count -= 1
        if count == 0 {
            deallocate()
        } else if mask + 1 > 16, count * 8 < mask + 1 {
            resize(to: (mask + 1) / 2)
        }
    }

    func forEach(_ body: (UInt32) -> Void) {
        guard let base else { return }
        for position in 0...mask where base[position].index != noIndex { body(base[position].index) }
    }

    private func place(_ slot: Slot) {
        guard let base else { return }
        var position = Int(slot.hash) & mask
        while base[position].index != noIndex { position = (position + 1) & mask }
        base[position] = slot
    }

    private mutating func resize(to capacity: Int) {
        let old = UnsafeMutableBufferPointer(start: base, count: base == nil ? 0 : mask + 1)
        let resized = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
        resized.initialize(repeating: Slot(hash: 0, index: noIndex), count: capacity)
        base = resized
        mask = capacity - 1
        for slot in old where slot.index != noIndex { place(slot) }
        old.baseAddress?.deallocate()
    }

    mutating func deallocate() {
        base?.deallocate()
        self = HashSlots()
    }
}
