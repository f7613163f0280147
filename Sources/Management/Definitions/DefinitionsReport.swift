import JSON

/// What an import did.
package struct DefinitionsReport: Sendable, Equatable {
    /// One kind of object, in the order in which they were imported.
    package struct Count: Sendable, Equatable {
        /// As in the definitions: `queues`.
        package let category: String
        /// In the definitions.
        package let total: Int
        /// Of these, those that are there now as the definitions have them.
        package let imported: Int
    }

    package var counts: [Count] = []
    /// What is not as the definitions have it, one line each.
    package var notes: [String] = []

    /// However much is left out: the rest is counted.
    private static let noteLimit = 1000

    package init(notes: [String] = []) { self.notes = notes }

    package mutating func count(_ category: String, _ imported: Int, of total: Int) {
        if total > 0 { counts.append(Count(category: category, total: total, imported: imported)) }
    }

    package var json: JSONValue {
        var imported = JSONObject()
        for count in counts { imported.append(count.category, .integer(count.imported)) }
        var shown = notes.prefix(Self.noteLimit).map { JSONValue.string($0) }
        if notes.count > Self.noteLimit { shown.append(.string("and \(notes.count - Self.noteLimit) more")) }
        return ["imported": .object(imported), "notes": .array(shown)]
    }
}
