import AMQPWire

/// The bindings of a modulus-hash exchange: its destinations, sorted by name, and the hash of a message's routing keys
/// says which. The same for the same key and bindings, also after a restart.
struct ModulusHashTable {
    private struct Entry {
        let target: Target
        let name: [UInt8]
        var bindingCount: Int

        func precedes(_ other: Entry) -> Bool {
            if target.isExchange != other.target.isExchange { return target.isExchange }
            return name.lexicographicallyPrecedes(other.name)
        }
    }

    private var entries: [Entry] = []

    mutating func add(_ target: Target, name: UnsafeRawBufferPointer) {
        if let index = entries.firstIndex(where: { $0.target == target }) {
            entries[index].bindingCount += 1
            return
        }
        let entry = Entry(target: target, name: Array(name), bindingCount: 1)
        entries.insert(entry, at: entries.firstIndex { entry.precedes($0) } ?? entries.count)
    }

    mutating func remove(_ target: Target) {
        guard let index = entries.firstIndex(where: { $0.target == target }) else { return }
        entries[index].bindingCount -= 1
        if entries[index].bindingCount == 0 { entries.remove(at: index) }
    }

    @inline(never)
    func route(_ walk: inout RouteWalk) {
        guard !entries.isEmpty else { return }
        var hash = ByteHash.stable.hash(walk.message.routingKey)
        for copy in walk.message.copies {
            hash = ByteHash.stable.hash(hash, copy.bytes.withUnsafeBytes { ByteHash.stable.hash($0) })
        }
        walk.visit(entries[Int(hash % UInt64(entries.count))].target)
    }
}
