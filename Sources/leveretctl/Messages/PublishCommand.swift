import ArgumentParser
import Console
import JSON

/// `leveretctl publish`.
struct PublishCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "publish", "Publishes a message.",
        notes: """
            Without a body on the command line the body is standard input. "" is the default
            exchange: the key is then the name of a queue.

            Exit code 1: the message reached no queue, and is gone.
            """,
        examples: [
            "leveretctl publish orders order.x '{\"id\":1}' --content-type application/json",
            "leveretctl publish '' billing 'pay me' --persistent --header priority=high",
            "date | leveretctl publish orders order.created",
            "leveretctl publish orders order.x --file order.json --property message_id=17",
        ])

    static let bodyByteLimit = 128 << 20

    @Argument(help: "The exchange.") var exchange: String
    @Argument(help: "The routing key.") var key: String
    @Argument(help: "The body.") var body: String?
    @Option(help: ArgumentHelp("Take the body from this file.", valueName: "path")) var file: String?
    @Option(help: ArgumentHelp("What the body is.", valueName: "type")) var contentType: String?
    @Flag(help: "The message survives the broker's restart, in queues that do.") var persistent = false
    @Option(
        name: [.long, .customShort("H")],
        help: ArgumentHelp("A header, as often as needed.", valueName: "key=value"))
    var header: [String] = []
    @Option(
        help: ArgumentHelp(
            "priority, correlation_id, reply_to, expiration, message_id, timestamp, type, user_id, app_id, "
                + "content_encoding; as often as needed.", valueName: "name=value"))
    var property: [String] = []
    @OptionGroup var virtualHost: VirtualHostOption
    @OptionGroup var change: ChangeOptions
    @OptionGroup var server: ServerOptions

    func validate() throws {
        if body != nil, file != nil { throw ValidationError("Give a body or --file, not both.") }
    }

    func run(_ client: ManagementClient) async throws {
        let properties = try properties()
        let bytes = try content()
        let text = String(validating: bytes, as: UTF8.self)
        let name = exchange.isEmpty ? "amq.default" : exchange
        let answer = try await client.naming(.exchange, exchange, in: virtualHost.name) {
            try await client.post(
                APIPath("exchanges", virtualHost.name, name, "publish"),
                [
                    "properties": properties, "routing_key": .string(key),
                    "payload": .string(text ?? Base64.encode(bytes)),
                    "payload_encoding": text == nil ? "base64" : "string",
                ])
        }
        guard answer["routed"].flag else {
            if !change.quiet {
                let words = "\(Shell.quoted(exchange)) \(Shell.quoted(key))"
                Report.note(
                    "the message reached no queue. See why: leveretctl route \(words)"
                )
            }
            throw ExitCode(1)
        }
        change.done("published \(Quantity.bytes(bytes.count))")
    }

    private func content() throws -> [UInt8] {
        if let body { return Array(body.utf8) }
        if let file { return try StandardInput.file(file, upTo: Self.bodyByteLimit) }
        if Terminal.isInput { Report.note("the body is what you type, up to an end of file (Ctrl-D)") }
        return try StandardInput.all(upTo: Self.bodyByteLimit)
    }

    private static let numbers: Set<String> = ["priority", "timestamp", "delivery_mode"]
    private static let texts: Set<String> = [
        "correlation_id", "reply_to", "expiration", "message_id", "type", "user_id", "app_id", "content_encoding",
        "content_type", "cluster_id",
    ]

    private func properties() throws -> JSONValue {
        var properties: JSONValue = [:]
        if let contentType { properties["content_type"] = .string(contentType) }
        if persistent { properties["delivery_mode"] = 2 }
        for text in property {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { throw ControlError("--property \(text) is not of the form name=value") }
            if Self.numbers.contains(parts[0]) {
                guard let number = Int(parts[1]) else { throw ControlError("the property \(parts[0]) is a number") }
                properties[parts[0]] = .integer(number)
            } else if Self.texts.contains(parts[0]) {
                properties[parts[0]] = .string(parts[1])
            } else {
                let hint = NearestName.suggestion(parts[0], among: Self.numbers.union(Self.texts).sorted())
                throw ControlError("AMQP has no property '\(parts[0])'.\(hint) A header is given with --header")
            }
        }
        let headers = try Assignments.json(header, option: "--header")
        if !headers.isEmpty { properties["headers"] = headers }
        return properties
    }
}

/// Names as a shell takes them.
enum Shell {
    static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
