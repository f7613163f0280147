import Console
import JSON

/// What goes to a broker in one request: a broker looks at a request as a whole before it changes anything, so a file
/// is one part unless it is very large.
struct DefinitionsPart: Equatable, Sendable {
    /// Brokers bound what they take in one request: RabbitMQ 3 at 10 MB.
    static let byteLimit = 8_000_000

    let definitions: JSONValue
    /// Which objects of the file these are; empty when it is all of it.
    var text = ""

    /// In the order in which they have to be imported: what there may be very many of comes last, and is cut.
    static func parts(of definitions: JSONValue, byteLimit: Int = byteLimit) -> [DefinitionsPart] {
        guard definitions.encoded.count > byteLimit else { return [DefinitionsPart(definitions: definitions)] }
        let large = ["exchanges", "queues", "bindings"]
        let common = definitions.members.filter { !large.contains($0.name) }
        // What says which broker it is from belongs to each part.
        let head = common.filter { $0.value.array == nil }
        var parts: [DefinitionsPart] = []
        var members = common
        var byteCount = JSONValue.object(JSONObject(common)).encoded.count
        let hasCommon = DefinitionsSummary(.object(JSONObject(common))).total > 0
        var texts = hasCommon ? ["what is not a queue, exchange or binding"] : []
        func end() {
            let text = texts.joined(separator: " and ")
            parts.append(DefinitionsPart(definitions: .object(JSONObject(members)), text: text))
            (members, texts, byteCount) = (head, [], 0)
        }
        for name in large {
            let items = definitions[name].items
            var first = 0
            func take(upTo end: Int) {
                guard first < end else { return }
                members.append(JSONObject.Member(name: name, value: .array(Array(items[first..<end]))))
                texts.append("\(name) \(Quantity.grouped(first + 1)) to \(Quantity.grouped(end))")
                first = end
            }
            for (index, item) in items.enumerated() {
                let size = item.encoded.count + 1
                if byteCount + size > byteLimit, first < index || !texts.isEmpty {
                    take(upTo: index)
                    end()
                }
                byteCount += size
            }
            take(upTo: items.count)
        }
        if !texts.isEmpty || parts.isEmpty { end() }
        return parts
    }
}
