import Console
import JSON

/// What there is to say of one kind of thing: the columns that are known, and those that are shown unless told
/// otherwise. Any other field of the server's answer may be asked for by its path.
struct Listing: Sendable {
    struct Column: Sendable, Equatable {
        enum Style: Sendable { case text, number, rate, bytes, moment }

        var name: String
        var title: String
        /// Where it is in the server's answer.
        var path: String
        var style = Style.text

        init(_ name: String, _ style: Style = .text, title: String? = nil, path: String? = nil) {
            self.name = name
            self.title = title ?? name
            self.path = path ?? name
            self.style = style
        }
    }

    /// In the plural: `queues`.
    let noun: String
    let columns: [Column]
    let defaults: [String]
    /// What `--quiet` prints, `--name` looks at and rows are sorted by.
    let nameColumn: String

    /// The columns of these names, in this order.
    ///
    /// - Parameter rows: a column that is not known must be in one of them.
    func chosen(_ names: [String], in rows: [JSONValue]) throws -> [Column] {
        try names.map { name in
            if let column = columns.first(where: { $0.name == name }) ?? columns.first(where: { $0.title == name }) {
                return column
            }
            guard rows.isEmpty || rows.contains(where: { !$0[path: name].isNull }) else {
                let known = columns.map(\.name) + (rows.first?.members.map(\.name) ?? [])
                let hint = NearestName.suggestion(name, among: known)
                throw ControlError(
                    "\(noun) have no column '\(name)'.\(hint) There are: \(columns.map(\.name).joined(separator: ", "))"
                )
            }
            let isNumber = rows.contains { [.integer(0), .double(0)].contains($0[path: name].kind) }
            return Column(name, isNumber ? .number : .text)
        }
    }

    func column(_ name: String) -> Column {
        columns.first { $0.name == name } ?? columns.first { $0.title == name } ?? Column(name)
    }
}

extension Listing.Column {
    var isNumber: Bool { style != .text && style != .moment }

    /// What stands in a table.
    func text(_ row: JSONValue) -> String {
        let value = row[path: path]
        switch style {
        case .rate: return value.number.map(Quantity.tenths) ?? ""
        case .bytes: return value.wholeNumber.map { Quantity.bytes($0) } ?? ""
        case .moment: return value.wholeNumber.map { Moment.text(milliseconds: $0) } ?? ""
        case .text, .number: return value.cell
        }
    }

    /// What stands between tabs: nothing is rounded.
    func plainText(_ row: JSONValue) -> String { row[path: path].cell }
}

extension JSONValue {
    /// The value as one would say it in a table.
    var cell: String {
        switch self {
        case .null: ""
        case .array(let items) where items.allSatisfy { $0.text != nil }:
            items.compactMap(\.text).joined(separator: ", ")
        case .object(let object) where object.isEmpty: ""
        case .array, .object: compact
        default: text ?? ""
        }
    }

    /// The same for all values of a kind.
    fileprivate var kind: JSONValue {
        switch self {
        case .integer: .integer(0)
        case .double: .double(0)
        default: .null
        }
    }

    /// Numbers before texts, both in order; what is missing comes first.
    static func isAscending(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left.isNull ? nil : left.number, right.isNull ? nil : right.number) {
        case (let left?, let right?): return left < right
        case (nil, nil): return left.cell < right.cell
        case (nil, _): return left.isNull
        case (_, nil): return !right.isNull
        }
    }
}
