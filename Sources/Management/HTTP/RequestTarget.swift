/// Path and query of a request, split but not yet decoded.
package struct RequestTarget: Sendable, Equatable {
    package static let byteLimit = 16_384
    /// Between the slashes; a slash at the end counts for nothing.
    package let segments: [Substring]
    package let query: Query

    /// - Throws: 414 or 400.
    package init(_ text: String) throws(ManagementError) {
        guard text.utf8.count <= Self.byteLimit else { throw .targetTooLong }
        // Some clients send the whole URL, as to a proxy.
        var rest = text[...]
        for scheme in ["http://", "https://"] where rest.hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
            rest = rest[(rest.firstIndex(of: "/") ?? rest.endIndex)...]
        }
        let beforeFragment = rest.prefix { $0 != "#" }
        let path = beforeFragment.prefix { $0 != "?" }
        guard path.first == "/" || path.isEmpty || path == "*" else { throw .badRequest("the path is malformed") }
        var segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if segments.last?.isEmpty == true { segments.removeLast() }
        self.segments = segments
        query = try Query(beforeFragment.dropFirst(path.count + 1))
    }
}
/// The parameters behind the `?`, decoded. Of equal names the first one counts.
package struct Query: Sendable, Equatable {
    struct Item: Sendable, Equatable {
        let name: String
        let value: String
    }

    private static let itemLimit = 64

    private(set) var items: [Item] = []

    init() {}

    /// - Throws: 400.
    init(_ text: Substring) throws(ManagementError) {
        for part in text.split(separator: "&") {
            guard items.count < Self.itemLimit else { throw .badRequest("more than \(Self.itemLimit) parameters") }
            let name = part.prefix { $0 != "=" }
            guard let decodedName = PercentEncoding.decode(name, plusIsSpace: true),
                let value = PercentEncoding.decode(part.dropFirst(name.count + 1), plusIsSpace: true)
            else { throw .badRequest("query parameter '\(name.prefix(64))' is malformed") }
            items.append(Item(name: decodedName, value: value))
        }
    }

    /// The fields of a form (`application/x-www-form-urlencoded`), which have the form of a query.
    ///
    /// - Throws: 400.
    init(form body: [UInt8]) throws(ManagementError) {
        guard let text = String(validating: body, as: UTF8.self) else { throw .badRequest("the form is not UTF-8") }
        try self.init(text[...])
    }

    package subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    /// Whether it says `true`.
    package func isTrue(_ name: String) -> Bool { self[name] == "true" }

    /// nil when it is not there.
    package func integer(_ name: String) throws(ManagementError) -> Int? {
        guard let text = self[name] else { return nil }
        guard let value = Int(text) else { throw .badRequest("query parameter '\(name)' is not an integer") }
        return value
    }
}
