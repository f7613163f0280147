/// The bindings of a direct exchange: targets by binding key.
struct DirectTable {
    private var keys = ByteTable<TargetList>()

    @inline(__always)
    func route(_ key: UnsafeRawBufferPointer, _ hasher: ByteHash, _ walk: inout RouteWalk) {
        let index = keys.find(key, hasher)
        if index != noIndex { walk.visit(keys[index].pointee.value) }
    }

    /// Returns where the binding is, for `remove`.
    mutating func add(
        _ key: UnsafeRawBufferPointer, _ target: Target, binding: UInt32, _ hasher: ByteHash
    ) -> (place: UInt32, position: UInt32) {
        var place = keys.find(key, hasher)
        if place == noIndex { place = keys.insert(key, TargetList(), hasher) }
        return (place, keys[place].pointee.value.append(target, binding: binding))
    }

    /// Returns the binding that moved to `position`, or `noIndex`.
    mutating func remove(place: UInt32, position: UInt32) -> UInt32 {
        let moved = keys[place].pointee.value.remove(at: position)
        if keys[place].pointee.value.isEmpty { keys.remove(place) }
        return moved
    }

    /// - Precondition: every binding is removed.
    mutating func deallocate() {
        keys.deallocate()
    }
}
