import Console
import JSON

/// The exchanges, queues and bindings of one virtual host, as the HTTP API tells them.
struct TopologySnapshot: Sendable {
    struct Exchange: Sendable {
        var name: String
        var type = "direct"
        var arguments: JSONValue = [:]
        /// The exchange for what leads nowhere, by its arguments or its policy.
        var alternate: String?

        var shown: String { name.isEmpty ? "default exchange" : "exchange \(name) (\(type))" }
    }

    struct Queue: Sendable {
        var name: String
        var messages: Int?
        var consumers: Int?
        var deadLetterExchange: String?

        var shown: String {
            let facts = [
                messages.map { Quantity.count($0, "message") }, consumers.map { Quantity.count($0, "consumer") },
            ]
            let text = facts.compactMap { $0 }.joined(separator: ", ")
            return text.isEmpty ? "queue \(name)" : "queue \(name) (\(text))"
        }
    }

    struct Binding: Sendable, Equatable {
        var source: String
        var destination: String
        var isToQueue = true
        var key = ""
        var arguments: JSONValue = [:]

        /// Its key and arguments as a person would say them.
        var condition: String {
            var parts: [String] = key.isEmpty ? [] : ["'\(key)'"]
            for member in arguments.members { parts.append("\(member.name)=\(member.value.cell)") }
            return parts.isEmpty ? "" : parts.joined(separator: " ") + " "
        }
    }

    var virtualHost = "/"
    var exchanges: [String: Exchange] = [:]
    var queues: [String: Queue] = [:]
    /// By their source. Those of the default exchange are not listed: it knows every queue by its name.
    var bindings: [String: [Binding]] = [:]
    /// Whether the server decides by Leveret's own hash where hashing exchanges lead.
    var isLeveret = false
    var notes: [String] = []

    init() { exchanges[""] = Exchange(name: "") }

    init(_ client: ManagementClient, virtualHost: String) async throws {
        self.init()
        self.virtualHost = virtualHost
        let exchanges: [JSONValue]
        do {
            exchanges = try await client.get(
                APIPath("exchanges", virtualHost).with(fields: ["name", "type", "arguments", "policy"])
            ).items
        } catch let error as ServerError where error.isNotFound {
            throw await client.missing(.virtualHost, virtualHost)
        }
        async let queues = client.get(APIPath("queues", virtualHost).with(fields: Self.queueFields)).items
        async let bindings = client.get(APIPath("bindings", virtualHost)).items
        async let overview = client.get(APIPath("overview"))
        let definitions = try await Self.policies(client, virtualHost, exchanges, &notes)
        for exchange in exchanges { add(exchange: exchange, definitions) }
        for queue in try await queues { add(queue: queue) }
        for binding in try await bindings { add(binding: binding) }
        isLeveret = try await overview["product_name"].text?.lowercased().contains("leveret") == true
    }

    private static let queueFields = [
        "name", "messages", "consumers", "arguments", "effective_policy_definition",
    ]

    private static func policies(
        _ client: ManagementClient, _ virtualHost: String, _ exchanges: [JSONValue], _ notes: inout [String]
    ) async throws -> [String: JSONValue] {
        guard exchanges.contains(where: { $0["policy"].text != nil }) else { return [:] }
        do {
            let policies = try await client.get(APIPath("policies", virtualHost)).items
            return Dictionary(policies.map { ($0["name"].text ?? "", $0["definition"]) }) { first, _ in first }
        } catch let error as ServerError where error.status == 401 || error.status == 403 {
            notes.append(
                "alternate exchanges that policies name are not known: '\(client.endpoint.user)' may not see policies")
            return [:]
        }
    }

    private mutating func add(exchange: JSONValue, _ policies: [String: JSONValue]) {
        guard let name = exchange["name"].text else { return }
        var added = Exchange(name: name)
        added.type = exchange["type"].text ?? "direct"
        added.arguments = exchange["arguments"]
        let ofPolicy = exchange["policy"].text.flatMap { policies[$0]?["alternate-exchange"].text }
        added.alternate = added.arguments["alternate-exchange"].text ?? ofPolicy
        exchanges[name] = added
    }

    private mutating func add(queue: JSONValue) {
        guard let name = queue["name"].text else { return }
        let dead = queue["arguments"]["x-dead-letter-exchange"].text
        queues[name] = Queue(
            name: name, messages: queue["messages"].wholeNumber, consumers: queue["consumers"].wholeNumber,
            deadLetterExchange: dead ?? queue["effective_policy_definition"]["dead-letter-exchange"].text)
    }

    private mutating func add(binding: JSONValue) {
        guard let source = binding["source"].text, let destination = binding["destination"].text, source != "" else {
            return
        }
        bindings[source, default: []].append(
            Binding(
                source: source, destination: destination, isToQueue: binding["destination_type"].text != "exchange",
                key: binding["routing_key"].text ?? "", arguments: binding["arguments"]))
    }

    /// The bindings from an exchange, in the order of their keys.
    func bindings(from exchange: String) -> [Binding] {
        (bindings[exchange] ?? []).sorted {
            ($0.key, $0.destination, $0.arguments.compact) < ($1.key, $1.destination, $1.arguments.compact)
        }
    }
}
