#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The bindings of a consistent-hash exchange: every message goes to one destination, the same for the same hash, and
/// each destination gets a share that follows its weight.
///
/// Rendezvous hashing: each destination draws a number from the message's hash and its own name, and the smallest
/// -ln(number) / weight wins. So the choice depends on names and weights alone, neither on the order of binding nor on
/// the process: it is the same after a restart. A destination that comes takes its share from all, one that goes leaves
/// the others theirs. No memory for weights, which are a client's numbers. The work grows with the destinations; a
/// channel remembers the result for the next message with its key.
struct ConsistentHashTable {
    private struct Entry {
        let target: Target
        let binding: UInt32
        /// The hash of the destination's name.
        let identity: UInt64
        let weight: Double
    }

    private let source: HashSource
    /// One for each destination: its oldest binding.
    private var entries: [Entry] = []
    /// Other bindings of the same destinations: as in RabbitMQ they count for nothing while the first is there.
    private var repeated: [Entry] = []

    init(source: HashSource) { self.source = source }

    mutating func add(_ key: UnsafeRawBufferPointer, _ target: Target, identity: UInt64, binding: UInt32) {
        let weight = max(BindingWeight(key)?.value ?? 1, 1)
        let entry = Entry(target: target, binding: binding, identity: identity, weight: weight)
        if entries.contains(where: { $0.target == target }) { repeated.append(entry) } else { entries.append(entry) }
    }

    mutating func remove(_ target: Target, binding: UInt32) {
        if let index = repeated.firstIndex(where: { $0.binding == binding }) {
            repeated.remove(at: index)
        } else if let index = entries.firstIndex(where: { $0.binding == binding }) {
            entries.remove(at: index)
            guard let next = repeated.firstIndex(where: { $0.target == target }) else { return }
            entries.append(repeated.remove(at: next))
        }
    }

    @inline(never)
    func route(_ walk: inout RouteWalk) {
        if entries.count < 2 {
            if let only = entries.first { walk.visit(only.target) }
            return
        }
        let hash = source.hash(of: walk.message)
        var best = entries[0]
        var bestScore = Double.infinity
        for entry in entries {
            let score = Self.score(hash, entry)
            if score < bestScore || (score == bestScore && entry.identity < best.identity) {
                best = entry
                bestScore = score
            }
        }
        walk.visit(best.target)
    }

    private static func score(_ hash: UInt64, _ entry: Entry) -> Double {
        let drawn = ByteHash.stable.hash(ByteHash.stable.hash(hash, entry.identity), entry.identity)
        // Above 0 and below 1.
        let number = (Double(drawn >> 12) + 0.5) * 0x1p-52
        return -log(number) / entry.weight
    }
}

/// The routing key of a binding of a consistent-hash exchange, as Erlang's `list_to_integer` reads it.
package struct BindingWeight {
    package let value: Double

    /// nil when it is no integer.
    package init?(_ key: UnsafeRawBufferPointer) {
        var digits = key[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        guard !digits.isEmpty else { return nil }
        var value = 0.0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Double(digit - UInt8(ascii: "0"))
        }
        self.value = isNegative ? -value : value
    }
}

extension HashSource {
    func hash(of message: RoutedMessage) -> UInt64 {
        switch self {
        case .routingKey: ByteHash.stable.hash(message.routingKey)
        case .correlationID: ByteHash.stable.hash(message.correlationID)
        case .messageID: ByteHash.stable.hash(message.messageID)
        case .timestamp: ByteHash.stable.hash(message.timestamp ?? 0, message.timestamp == nil ? 0 : 1)
        case .header(let name): hash(of: WireValue.last(named: name, in: message.headers))
        }
    }

    /// Of a number the value, whatever its width; of all else the bytes.
    private func hash(of value: WireValue?) -> UInt64 {
        guard let value else { return 0 }
        if let scalar = value.scalar(timestampFactor: 1) {
            return ByteHash.stable.hash(UInt64(scalar.kind.rawValue), scalar.bits)
        }
        return ByteHash.stable.hash(UnsafeRawBufferPointer(start: value.payload, count: value.count))
    }
}
