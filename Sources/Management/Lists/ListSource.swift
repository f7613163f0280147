import Broker
import HTTPTypes
import JSON

/// Something of which there may be very many: named by keys, which are small, and shown by objects, which are made
/// for as many as are to be sent next.
protocol ListSource: Sendable {
    associatedtype Key: Sendable
    associatedtype Object: JSONWritable

    /// Whether there may be so many that what is kept for a list of them counts.
    static var isLong: Bool { get }

    /// What there is for the user who asks, in the list's own order.
    func keys() async -> [Key]

    /// What `name=` looks at.
    func name(of key: Key) -> [UInt8]

    /// What these are sorted by, where the source knows it more cheaply than by making objects.
    func sortValues(of keys: [Key], by column: SortColumn) async -> SortValues

    /// The objects as they are now; nil for those that are gone. What `columns` does not want need not be there.
    func objects(_ keys: ArraySlice<Key>, _ columns: Columns) async -> [Object?]
}

extension ListSource {
    func sortValues(of keys: [Key], by column: SortColumn) async -> SortValues { .unknown }
}

/// A list that is small enough to be there at once.
struct ListOfObjects: ListSource {
    static let isLong = false

    let items: [JSONObject]

    func keys() async -> [Int] { Array(items.indices) }
    func name(of key: Int) -> [UInt8] { Array((items[key]["name"]?.string ?? "").utf8) }
    func objects(_ keys: ArraySlice<Int>, _ columns: Columns) async -> [JSONObject?] { keys.map { items[$0] } }
}

/// A page of a list, with RabbitMQ's counts around it.
private struct ListPage<Object: JSONWritable>: JSONWritable {
    let page: ListQuery.Page
    let totalCount: Int
    let filteredCount: Int
    let items: [Object]
    let columns: Columns

    func write(to builder: inout JSONObjectBuilder) {
        builder.add("total_count", totalCount)
        builder.add("item_count", items.count)
        builder.add("filtered_count", filteredCount)
        builder.add("page", page.number)
        builder.add("page_size", page.size)
        builder.add("page_count", (filteredCount + page.size - 1) / page.size)
        builder.addObjects("items", items, columns)
    }
}

extension ManagementRequest {
    /// Answers a list of these, in the order they have where no other is asked for.
    func list(_ items: [JSONObject]) async throws(ManagementError) -> ManagementResponse {
        try await list(ListOfObjects(items: items))
    }

    /// Answers a list as the query wants it: filtered, sorted, a page of it, some of its fields.
    func list<Source: ListSource>(_ source: Source) async throws(ManagementError) -> ManagementResponse {
        let listQuery = try ListQuery(query)
        guard let page = listQuery.page else { return stream(listQuery, source) }
        let all = await source.keys()
        let keys = listQuery.name.map { filter in all.filter { filter.matches(source.name(of: $0)) } } ?? all
        guard page.start <= keys.count else {
            throw ManagementError(
                .badRequest, "page_out_of_range",
                "Page out of range, page: \(page.number) page size: \(page.size), len: \(keys.count)")
        }
        let range = page.start..<min(page.start + page.size, keys.count)
        let order = ListOrder(source: source, column: listQuery.sort, isReversed: listQuery.isReversed)
        let shown = await order.part(range, of: keys)
        let items = await source.objects(shown, listQuery.columns).compactMap { $0 }
        return .json(
            ListPage(
                page: page, totalCount: all.count, filteredCount: keys.count, items: items,
                columns: listQuery.columns))
    }

    /// Objects that are made in one go: between two, shards and other requests have their turn.
    static var stepCount: Int { 128 }

    /// The client sees that an answer has begun before anything is looked for.
    private func stream<Source: ListSource>(_ query: ListQuery, _ source: Source) -> ManagementResponse {
        let (slots, pace) = (context.longAnswers, context.pace)
        return ManagementResponse(
            .ok,
            body: .stream(contentType: ManagementResponse.jsonType) { stream in
                try await stream.write("[")
                try await stream.flush()
                if Source.isLong {
                    try await slots.withSlot {
                        try await Self.write(query, source, to: stream) { try await pace.yield() }
                    }
                } else {
                    try await Self.write(query, source, to: stream)
                }
                try await stream.write("]")
            })
    }

    /// Nothing is asked of the shards that the client has no room for.
    ///
    /// - Parameter yield: between two steps; returns when others have had their time.
    static func write<Source: ListSource>(
        _ query: ListQuery, _ source: Source, to stream: ResponseStream, yield: () async throws -> Void = {}
    ) async throws {
        let order = ListOrder(source: source, column: query.sort, isReversed: query.isReversed)
        let all = await source.keys()
        let keys = await order.part(all.indices, of: all)
        var isFirst = true
        var start = keys.startIndex
        while start < keys.endIndex {
            let end = min(start + stepCount, keys.endIndex)
            for case let object? in await source.objects(keys[start..<end], query.columns) {
                if !isFirst { try await stream.write(",") }
                isFirst = false
                try await stream.write(object, query.columns)
            }
            start = end
            if start < keys.endIndex { try await yield() }
        }
    }
}
