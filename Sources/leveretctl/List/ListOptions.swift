import ArgumentParser
import Console
import JSON

/// What of a list is shown, and how.
struct ListOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("Which columns; also any field of the HTTP API by its path.", valueName: "column"))
    var columns: [String] = []

    @Option(help: ArgumentHelp("Sort by this column.", valueName: "column"))
    var sort: String?

    @Flag(help: "The last first.")
    var reverse = false

    @Option(help: ArgumentHelp("Only names with this in them; with * and ? the whole name.", valueName: "pattern"))
    var name: String?

    @Option(help: ArgumentHelp("At most so many rows.", valueName: "count"))
    var limit: Int?

    @Flag(help: "Tabs between columns, nothing aligned or rounded.")
    var tabs = false

    @Flag(help: "No line of titles.")
    var noHeaders = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let limit, limit < 0 { throw ValidationError("--limit is 0 or more.") }
    }
}

/// A command that lists what there is of one kind.
protocol ListCommand: ServerCommand {
    static var listing: Listing { get }
    var list: ListOptions { get }
    /// Columns that stand before the usual ones.
    var additionalColumns: [String] { get }
    func rows(_ client: ManagementClient) async throws -> [JSONValue]
}

extension ListCommand {
    var additionalColumns: [String] { [] }

    /// The fields that are needed, so that the answer for very many rows is no longer than it has to be. nil is all.
    var neededFields: [String]? {
        let names = list.columns.flatMap { $0.split(separator: ",").map(String.init) }
        if names.isEmpty, list.output.json { return nil }
        let shown = names.isEmpty ? additionalColumns + Self.listing.defaults : names
        return (shown + [Self.listing.nameColumn] + [list.sort].compactMap { $0 }).map { Self.listing.column($0).path }
    }

    func run(_ client: ManagementClient) async throws {
        let listing = Self.listing
        let names = list.columns.flatMap { $0.split(separator: ",").map(String.init) }
        var rows = try await rows(client)
        let chosen = try listing.chosen(names.isEmpty ? additionalColumns + listing.defaults : names, in: rows)
        let nameColumn = listing.column(listing.nameColumn)
        if let pattern = list.name { rows = rows.filter { Glob.matches(nameColumn.plainText($0), pattern) } }
        let sorting = try list.sort.map { try listing.chosen([$0], in: rows)[0] } ?? nameColumn
        rows = rows.enumerated().sorted {
            let (left, right) = ($0.element[path: sorting.path], $1.element[path: sorting.path])
            if JSONValue.isAscending(left, right) { return true }
            return JSONValue.isAscending(right, left) ? false : $0.offset < $1.offset
        }.map(\.element)
        if list.reverse { rows.reverse() }
        if let limit = list.limit { rows = Array(rows.prefix(limit)) }
        write(rows, chosen, hasChosen: !names.isEmpty, nameColumn)
    }

    private func write(
        _ rows: [JSONValue], _ columns: [Listing.Column], hasChosen: Bool, _ nameColumn: Listing.Column
    ) {
        if list.output.json {
            guard hasChosen else { return Report.write(.array(rows)) }
            return Report.write(
                .array(
                    rows.map { row in
                        .object(
                            JSONObject(columns.map { JSONObject.Member(name: $0.name, value: row[path: $0.path]) }))
                    }))
        }
        if list.output.quiet, !hasChosen { return Report.write(rows.map { printable(nameColumn.plainText($0)) }) }
        var table = Table(columns: columns.map { Table.Column(title: $0.title, isNumber: $0.isNumber) })
        let hasTitles = !list.noHeaders && !list.output.quiet
        if list.tabs {
            table.rows = rows.map { row in columns.map { $0.plainText(row) } }
            return Report.write(table.tabbedLines(titles: hasTitles ? columns.map(\.name) : nil))
        }
        table.rows = rows.map { row in columns.map { $0.text(row) } }
        if rows.isEmpty, Terminal.isOutput { return Report.note("there are no \(Self.listing.noun)") }
        let size = Terminal.size
        Report.write(table.lines(width: size?.columns, hasTitles: hasTitles, isBold: Terminal.hasStyle))
    }
}

/// Of which virtual host, or of all.
struct ScopeOptions: ParsableArguments {
    @OptionGroup var virtualHost: VirtualHostOption

    @Flag(help: "Of all virtual hosts.")
    var allVhosts = false

    /// The path of a kind of thing that each virtual host has.
    func path(_ kind: String) -> APIPath { allVhosts ? APIPath(kind) : APIPath(kind, virtualHost.name) }

    var columns: [String] { allVhosts ? ["vhost"] : [] }

    /// All of a kind, in this scope.
    func get(_ kind: String, _ client: ManagementClient, fields: [String]? = nil) async throws -> [JSONValue] {
        do {
            return try await client.get(path(kind).with(fields: fields)).items
        } catch let error as ServerError where error.isNotFound {
            throw await client.missing(.virtualHost, virtualHost.name)
        }
    }
}

/// Names that a person describes.
enum Glob {
    /// Whether the text contains the pattern; where the pattern has `*` or `?`, whether it is all of the text.
    static func matches(_ text: String, _ pattern: String) -> Bool {
        let pattern = Array(pattern)
        let text = Array(text)
        guard pattern.contains("*") || pattern.contains("?") else { return contains(text, pattern) }
        // Of several stars only the last needs to be tried again, so this is at most the product of both lengths.
        var (place, wanted) = (0, 0)
        var star: (place: Int, wanted: Int)?
        while place < text.count {
            if wanted < pattern.count, pattern[wanted] == "*" {
                star = (place, wanted)
                wanted += 1
            } else if wanted < pattern.count, pattern[wanted] == "?" || pattern[wanted] == text[place] {
                place += 1
                wanted += 1
            } else if let last = star {
                star = (last.place + 1, last.wanted)
                place = last.place + 1
                wanted = last.wanted + 1
            } else {
                return false
            }
        }
        return pattern[wanted...].allSatisfy { $0 == "*" }
    }

    private static func contains(_ text: [Character], _ part: [Character]) -> Bool {
        guard part.count <= text.count else { return false }
        return (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
    }
}
