import JSON
import Testing

@testable import Management

/// Lists in the order that was asked for.
@Suite struct ListSortTests {
    private struct Source: ListSource {
        static let isLong = true

        let values: [Int?]
        let isQuick: Bool

        func keys() async -> [Int] { Array(values.indices) }
        func name(of key: Int) -> [UInt8] { Array("\(values.count - key)".utf8) }
        func objects(_ keys: ArraySlice<Int>, _ columns: Columns) async -> [JSONObject?] {
            // Every seventh is gone.
            keys.map { key in key % 7 == 3 ? nil : JSONObject([.init(name: "value", value: json(key))]) }
        }
        func sortValues(of keys: [Int], by column: SortColumn) async -> SortValues {
            guard isQuick else { return .unknown }
            switch column.name {
            case "value": return .numbers(keys.map { $0 % 7 == 3 ? 0 : Double(values[$0] ?? 0) })
            case "name": return .names
            default: return .equal
            }
        }

        private func json(_ key: Int) -> JSONValue { values[key].map { .integer($0) } ?? "none" }
    }

    /// What is quickly had and what is taken from objects, pages at the beginning and the end, both directions.
    @Test(arguments: [false, true], [false, true])
    func aPageIsPartOfTheWholeSorted(isQuick: Bool, isReversed: Bool) async {
        var state: UInt64 = 7
        for count in [0, 1, 2, 100, 3000] {
            let values = (0..<count).map { _ -> Int? in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(state >> 33) % (count / 10 + 2) - 3
            }
            let source = Source(values: values, isQuick: isQuick)
            let keys = await source.keys()
            func value(_ key: Int) -> Int { key % 7 == 3 ? 0 : values[key] ?? 0 }
            var expected = keys.sorted { (value($0), $0) < (value($1), $1) }
            if isReversed { expected.reverse() }
            let order = ListOrder(source: source, column: SortColumn("value"), isReversed: isReversed)
            for start in [0, 1, 99, 900, 1000, 2990] where start <= count {
                let range = start..<min(start + 100, count)
                #expect(Array(await order.part(range, of: keys)) == Array(expected[range]))
            }
            #expect(Array(await order.part(keys.indices, of: keys)) == expected)
        }
    }

    @Test(arguments: [false, true])
    func namesAndTheListsOwnOrder(isReversed: Bool) async {
        let source = Source(values: Array(repeating: 1, count: 120), isQuick: true)
        let keys = await source.keys()
        for (column, expected) in [
            (nil, keys), ("equal", keys), ("name", keys.sorted { "\(120 - $0)" < "\(120 - $1)" }),
        ] as [(String?, [Int])] {
            let order = ListOrder(source: source, column: column.map { SortColumn($0) }, isReversed: isReversed)
            let all = isReversed ? expected.reversed() : expected
            #expect(Array(await order.part(10..<30, of: keys)) == Array(all[10..<30]))
            #expect(Array(await order.part(keys.indices, of: keys)) == all)
        }
    }

    /// Numbers before what is no number, that before texts.
    @Test func valuesOfOtherKindsAreSortedAsErlangDoes() {
        let values: [JSONValue] = [.integer(-1), .double(2.5), .integer(3), .null, false, true, "", "a", "b"]
        #expect(values.map { SortValue($0) }.shuffled().sorted() == values.map { SortValue($0) })
    }
}
