import Broker
import HTTPTypes
import JSON

/// How a list was asked for: RabbitMQ's parameters (`rabbit_mgmt_util`).
struct ListQuery: Sendable {
    struct Page: Sendable {
        let number: Int
        let size: Int

        /// The first of the page among all.
        var start: Int { (number - 1) * size }
    }

    static let defaultPageSize = 100
    static let maxPageSize = 500

    /// nil: the whole list.
    let page: Page?
    /// Only a page is narrowed down, as in RabbitMQ.
    let name: NameFilter?
    let columns: Columns
    /// nil: the list's own order.
    let sort: SortColumn?
    let isReversed: Bool

    init(_ query: Query) throws(ManagementError) {
        page = try Self.page(query)
        columns = Columns(query["columns"])
        sort = query["sort"].flatMap { $0.isEmpty ? nil : SortColumn($0) }
        isReversed = query.isTrue("sort_reverse")
        guard page != nil, let text = query["name"], !text.isEmpty else {
            name = nil
            return
        }
        guard query.isTrue("use_regex") else {
            name = NameFilter(containing: text)
            return
        }
        do throws(AdministrationError) {
            name = try NameFilter(matching: text)
        } catch {
            guard case .invalid(let reason) = error else { throw .badRequest("name: not a regular expression") }
            throw .badRequest("name: \(reason)")
        }
    }

    private static func page(_ query: Query) throws(ManagementError) -> Page? {
        guard let text = query["page"] else { return nil }
        guard let number = Int(text), let size = Int(query["page_size"] ?? "\(defaultPageSize)") else {
            throw .badRequest("Pagination parameters are invalid")
        }
        // Beyond the largest there is nothing, and no product overflows.
        guard 1...Int(Int32.max) ~= number, 1...maxPageSize ~= size else {
            throw ManagementError(
                .badRequest, "invalid_pagination_parameters",
                "Invalid pagination parameters: page number \(number), page size \(size)")
        }
        return Page(number: number, size: size)
    }
}

/// Which fields of its objects an answer has: `columns=name,message_stats.publish`.
struct Columns: Sendable {
    /// nil: all.
    private let paths: [[String]]?

    init(_ text: String?) {
        paths = text.map { $0.split(separator: ",").map { $0.split(separator: ".").map(String.init) } }
    }

    private init(paths: [[String]]) { self.paths = paths }

    static let all = Columns(nil)

    /// Whether something of the field is in the answer.
    func want(_ name: String) -> Bool { paths?.contains { $0.first == name } ?? true }

    func want(_ name: StaticString) -> Bool {
        guard let paths else { return true }
        return name.withUTF8Buffer { name in
            paths.contains { $0.first.map { $0.utf8.elementsEqual(name) } ?? false }
        }
    }

    /// What is wanted of a field that is wanted.
    func part(_ name: String) -> Columns {
        guard let paths else { return self }
        let below = paths.filter { $0.first == name }.map { Array($0.dropFirst()) }
        // A field that is named as a whole is there as a whole.
        return below.contains { $0.isEmpty } ? .all : Columns(paths: below)
    }

    func part(_ name: StaticString) -> Columns { paths == nil ? self : part(name.description) }

    func project(_ object: JSONObject) -> JSONObject {
        guard paths != nil else { return object }
        var projected = JSONObject()
        for member in object.members where want(member.name) {
            projected.append(member.name, part(member.name).project(member.value))
        }
        return projected
    }

    func project(_ value: JSONValue) -> JSONValue {
        guard paths != nil else { return value }
        return switch value {
        case .object(let object): .object(project(object))
        case .array(let values): .array(values.map { project($0) })
        default: value
        }
    }
}
