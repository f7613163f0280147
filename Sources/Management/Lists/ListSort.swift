import JSON

/// What the objects of a list are sorted by, one value for each.
enum SortValues: Sendable {
    /// All are equal, or in the list's own order.
    case equal
    /// That of their names, byte by byte.
    case names
    case numbers([Double])
    /// Only the objects themselves know.
    case unknown
}

/// What a list is sorted by: `messages`, `message_stats.publish_details.rate`.
struct SortColumn: Sendable {
    private let path: [String]

    init(_ text: String) { path = text.split(separator: ".").map(String.init) }

    /// What an object is asked for.
    var field: String { path.first ?? "" }

    /// As it is written in a query.
    var name: String { path.joined(separator: ".") }

    /// What is not there is the number 0, as in RabbitMQ.
    func value(in object: JSONObject) -> SortValue {
        var value: JSONValue = .object(object)
        for name in path {
            guard let next = value.object?[name] else { return .number(0) }
            value = next
        }
        return SortValue(value)
    }
}

/// What can be compared: numbers come before booleans, those before texts (Erlang's order of terms).
enum SortValue: Comparable, Sendable {
    case number(Double)
    case bool(Int)
    case text(String)

    init(_ value: JSONValue) {
        switch value {
        case .integer(let number): self = .number(Double(number))
        case .double(let number): self = .number(number.isNaN ? 0 : number)
        case .bool(let bool): self = .bool(bool ? 1 : 0)
        case .string(let text): self = .text(text)
        case .null: self = .bool(-1)
        case .array(let values): self = .number(Double(values.count))
        case .object(let object): self = .number(Double(object.members.count))
        }
    }
}

/// A name as RabbitMQ compares names.
private struct NameBytes: Comparable {
    let bytes: [UInt8]

    static func < (left: Self, right: Self) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}

/// Part of a list in the order that was asked for. Of equal ones, and of what is gone meanwhile, the list's own order
/// stays; reversed, all of it is.
struct ListOrder<Source: ListSource> {
    let source: Source
    let column: SortColumn?
    let isReversed: Bool

    func part(_ range: Range<Int>, of keys: [Source.Key]) async -> ArraySlice<Source.Key> {
        guard let column else { return inOwnOrder(range, keys) }
        let places: [Int32]
        switch await source.sortValues(of: keys, by: column) {
        case .equal: return inOwnOrder(range, keys)
        case .names: places = sortedPlaces(in: range, keys.map { NameBytes(bytes: source.name(of: $0)) })
        case .numbers(let values): places = sortedPlaces(in: range, values)
        case .unknown: places = sortedPlaces(in: range, await values(of: keys, column))
        }
        return places.map { keys[Int($0)] }[...]
    }

    private func inOwnOrder(_ range: Range<Int>, _ keys: [Source.Key]) -> ArraySlice<Source.Key> {
        guard isReversed else { return keys[range] }
        return Array(keys[keys.count - range.upperBound..<keys.count - range.lowerBound].reversed())[...]
    }

    /// Objects that are made in one go.
    private static var stepCount: Int { 512 }

    /// Makes an object of each, to take a field of it.
    private func values(of keys: [Source.Key], _ column: SortColumn) async -> [SortValue] {
        let columns = Columns(column.field)
        var values: [SortValue] = []
        values.reserveCapacity(keys.count)
        var start = 0
        while start < keys.count {
            let end = min(start + Self.stepCount, keys.count)
            for object in await source.objects(keys[start..<end], columns) {
                values.append(object.map { column.value(in: $0.object(columns)) } ?? .number(0))
            }
            start = end
        }
        return values
    }

    private func sortedPlaces<Value: Comparable>(in range: Range<Int>, _ values: [Value]) -> [Int32] {
        guard !range.isEmpty else { return [] }
        let isReversed = isReversed
        func isBefore(_ left: Int32, _ right: Int32) -> Bool {
            let (first, second) = isReversed ? (right, left) : (left, right)
            let (value, other) = (values[Int(first)], values[Int(second)])
            return value == other ? first < second : value < other
        }
        let all = values.indices.lazy.map { Int32($0) }
        guard range.upperBound <= Self.selectedCount else { return Array(all.sorted(by: isBefore)[range]) }
        // The first ones are enough: most values are looked at once, and are not among them.
        var first: [Int32] = []
        for place in all where first.count < range.upperBound || isBefore(place, first[first.count - 1]) {
            if first.count == range.upperBound { first.removeLast() }
            first.insert(place, at: first.partitioningIndex { isBefore(place, $0) })
        }
        return Array(first[range])
    }

    /// The pages that are mostly asked for end before.
    private static var selectedCount: Int { 1000 }
}

extension [Int32] {
    /// The first place from which on the condition holds.
    fileprivate func partitioningIndex(_ holds: (Int32) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
