import Console
import JSON

/// A message as it is shown: a line of where it comes from, its properties, its body.
struct MessageText {
    /// As the HTTP API tells of messages: `exchange`, `routing_key`, `redelivered`, `properties`, `payload` and more.
    let message: JSONValue

    private static let bodyCharacterLimit = 4000

    var lines: [String] {
        let exchange = message["exchange"].cell
        var head = "── \(exchange.isEmpty ? "(default)" : exchange)  '\(message["routing_key"].cell)'"
        if message["redelivered"].flag { head += "  redelivered" }
        if let count = message["payload_bytes"].wholeNumber { head += "  \(Quantity.bytes(count))" }
        if let left = message["message_count"].wholeNumber {
            head += left > 0 ? "  \(Quantity.grouped(left)) behind it" : "  none behind it"
        }
        var lines = [printable(head)]
        for property in message["properties"].members where !property.value.isEmpty {
            lines.append(printable("   \(property.name): \(property.value.cell)"))
        }
        return lines + body
    }

    /// The body's own line breaks stay; everything else that would move the cursor is shown as an escape.
    private var body: [String] {
        var payload = message["payload"].cell
        if payload.hasSuffix("\n") { payload.removeLast() }
        let isText = message["payload_encoding"].text != "base64"
        let shown = payload.prefix(Self.bodyCharacterLimit)
        var lines = shown.split(separator: "\n", omittingEmptySubsequences: false).map { "   " + printable(String($0)) }
        if !isText { lines.insert("   (no text; in base 64:)", at: 0) }
        if shown.endIndex < payload.endIndex {
            lines.append("   … and \(Quantity.grouped(payload.count - shown.count)) more characters: see --json")
        }
        return lines
    }
}
