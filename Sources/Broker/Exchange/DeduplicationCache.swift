import AMQPWire

/// The headers that a deduplication exchange has seen: so many, the oldest go first, and each no longer than its time.
struct DeduplicationCache {
    struct Entry {
        let order: UInt64
        /// Since 1970; nil: until others take its place.
        let expiresMilliseconds: UInt64?
        /// The name of its record in the journal; 0 without.
        let journalID: UInt64
    }

    private struct Expiry: HeapElement {
        let milliseconds: UInt64
        let order: UInt64

        func precedes(_ other: Expiry) -> Bool { milliseconds < other.milliseconds }
    }

    let settings: DeduplicationSettings
    private var entries: [[UInt8]: Entry] = [:]
    private var keys: [UInt64: [UInt8]] = [:]
    private var latestOrder: UInt64 = 0
    private var oldestOrder: UInt64 = 1
    private var expiries = BinaryHeap<Expiry>()
    /// Above so many, those are dropped whose entries are not there any more.
    private var expiryLimit = Limit.staleDeadlines

    init(_ settings: DeduplicationSettings) { self.settings = settings }

    var count: Int { entries.count }
    /// Times that are kept, also of entries that are gone.
    var expiryCount: Int { expiries.count }

    /// Whether it was seen, and its time is not over.
    func contains(_ key: [UInt8], now: UInt64) -> Bool {
        guard let entry = entries[key] else { return false }
        return entry.expiresMilliseconds.map { $0 > now } ?? true
    }

    /// - Returns: the journal's names of entries that made room.
    mutating func insert(
        _ key: [UInt8], expiresMilliseconds: UInt64?, journalID: UInt64, now: UInt64
    ) -> [UInt64] {
        var forgotten: [UInt64] = []
        while let next = expiries.first, next.milliseconds <= now {
            _ = expiries.popFirst()
            remove(next.order, &forgotten)
        }
        if let earlier = entries[key] { remove(earlier.order, &forgotten) }
        while entries.count >= settings.size, oldestOrder <= latestOrder {
            remove(oldestOrder, &forgotten)
            oldestOrder += 1
        }
        latestOrder += 1
        entries[key] = Entry(order: latestOrder, expiresMilliseconds: expiresMilliseconds, journalID: journalID)
        keys[latestOrder] = key
        if let expiresMilliseconds {
            expiries.insert(Expiry(milliseconds: expiresMilliseconds, order: latestOrder))
            if expiries.count > expiryLimit {
                expiries.removeAll { keys[$0.order] == nil }
                expiryLimit = max(Limit.staleDeadlines, 2 * expiries.count)
            }
        }
        return forgotten
    }

    private mutating func remove(_ order: UInt64, _ forgotten: inout [UInt64]) {
        guard let key = keys.removeValue(forKey: order), let entry = entries.removeValue(forKey: key) else { return }
        if entry.journalID != 0 { forgotten.append(entry.journalID) }
    }
}

/// The header that makes messages duplicates of each other. Equal are what Erlang holds equal: all integers are of one
/// type. Arrays and tables do not count.
enum DeduplicationHeader {
    static let header: ShortString = "x-deduplication-header"

    static func key(in headers: FieldTable) -> [UInt8]? {
        guard let value = headers[header] else { return nil }
        switch value {
        case .array, .table: return nil
        case .longString(let bytes), .bytes(let bytes): return [UInt8(ascii: "S")] + bytes
        case .void: return [UInt8(ascii: "V")]
        default:
            let letter: Character
            switch value {
            case .bool: letter = "t"
            case .float, .double: letter = "d"
            case .decimal: letter = "D"
            case .timestamp: letter = "i"
            default: letter = "i"
            }
            return Array("\(letter)\(value.erlangText)".utf8)
        }
    }

    /// `x-cache-ttl` of the message.
    static func ttlMilliseconds(in headers: FieldTable) -> UInt64? {
        headers["x-cache-ttl"]?.integer.map { UInt64(max($0, 0)) }
    }
}
