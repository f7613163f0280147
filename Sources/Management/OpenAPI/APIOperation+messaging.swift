import HTTPTypes
import JSON

extension APIOperation {
    private static let ifUnused = APIParameter(
        name: "if-unused", description: "true: only when nobody uses it", schema: .boolean)
    private static let ifEmpty = APIParameter(
        name: "if-empty", description: "true: only when it has no messages", schema: .boolean)

    static let messaging: [APIOperation] = queues + exchanges + bindings

    private static let queues: [APIOperation] = [
        list("/api/queues", "All queues", query: APIParameter.queues, "Queue"),
        list("/api/queues/detailed", "All queues, as RabbitMQ's fuller list", query: APIParameter.queues, "Queue"),
        list("/api/queues/{vhost}", "A virtual host's queues", query: APIParameter.queues, "Queue"),
        get(
            "/api/queues/{vhost}/{queue}", "A queue", query: [.columns] + APIParameter.samples, .reference("Queue")),
        put(
            "/api/queues/{vhost}/{queue}", "Declares a queue",
            .object(["durable": .boolean, "auto_delete": .boolean, "arguments": .object, "node": .string])),
        delete("/api/queues/{vhost}/{queue}", "Deletes a queue", query: [ifUnused, ifEmpty]),
        delete("/api/queues/{vhost}/{queue}/contents", "Removes the messages that are ready"),
        post(
            "/api/queues/{vhost}/{queue}/actions", "RabbitMQ's actions of mirrored queues: nothing is done",
            .object(["action": .choice(["sync", "cancel_sync"])], required: ["action"]), .noContent),
        put("/api/queues/{vhost}/{queue}/pause", "Stops deliveries of a queue until it is resumed"),
        put("/api/queues/{vhost}/{queue}/resume", "Lets a paused queue deliver again"),
        post(
            "/api/queues/{vhost}/{queue}/get", "Takes messages, or looks at them",
            .object(
                [
                    "count": .integer(minimum: 1), "encoding": .choice(["auto", "base64"]),
                    "ackmode": .choice(
                        ["ack_requeue_true", "ack_requeue_false", "reject_requeue_true", "reject_requeue_false"]),
                    "truncate": .integer(minimum: 0),
                ], required: ["count", "ackmode", "encoding"]), .json(.array(.reference("Message")))),
        list(
            "/api/queues/{vhost}/{queue}/unacked",
            "Messages that were delivered and are not acked: to whom, and since when", "Object"),
        list("/api/queues/{vhost}/{queue}/bindings", "The bindings that lead to a queue", "Binding"),
        list("/api/consumers", "All consumers", "Consumer"),
        list("/api/consumers/{vhost}", "The consumers of a virtual host's queues", "Consumer"),
    ]

    private static let exchanges: [APIOperation] = [
        list("/api/exchanges", "All exchanges", "Exchange"),
        list("/api/exchanges/{vhost}", "A virtual host's exchanges", "Exchange"),
        get(
            "/api/exchanges/{vhost}/{exchange}", "An exchange; the default one is amq.default",
            query: [.columns] + APIParameter.samples, .reference("Exchange")),
        put(
            "/api/exchanges/{vhost}/{exchange}", "Declares an exchange",
            .object(
                [
                    "type": .string, "durable": .boolean, "auto_delete": .boolean, "internal": .boolean,
                    "arguments": .object,
                ], required: ["type"])),
        delete("/api/exchanges/{vhost}/{exchange}", "Deletes an exchange", query: [ifUnused]),
        post(
            "/api/exchanges/{vhost}/{exchange}/publish", "Publishes a message, and waits until it is confirmed",
            .object(
                [
                    "routing_key": .text(maxBytes: 255), "properties": .object, "payload": .string,
                    "payload_encoding": .choice(["string", "base64"]),
                ], required: ["routing_key", "properties", "payload", "payload_encoding"]),
            .json(.object(["routed": .boolean], required: ["routed"]))),
        list("/api/exchanges/{vhost}/{exchange}/bindings/source", "The bindings from an exchange", "Binding"),
        list("/api/exchanges/{vhost}/{exchange}/bindings/destination", "The bindings to an exchange", "Binding"),
    ]

    private static let bindings: [APIOperation] =
        [
            list("/api/bindings", "All bindings", "Binding"),
            list("/api/bindings/{vhost}", "A virtual host's bindings", "Binding"),
        ]
        + ["q", "e"].flatMap { kind in
            let path = "/api/bindings/{vhost}/e/{source}/\(kind)/{destination}"
            let what = kind == "q" ? "an exchange to a queue" : "an exchange to another"
            return [
                list(path, "The bindings from \(what)", "Binding"),
                APIOperation(
                    method: .post, template: path, summary: "Binds \(what)",
                    body: .object(["routing_key": .text(maxBytes: 255), "arguments": .object]),
                    answers: [
                        APIAnswer(status: 201, description: "Bound, and on stable storage; Location says where it is")
                    ]),
                get(path + "/{properties}", "A binding from \(what), by its properties_key", .reference("Binding")),
                delete(path + "/{properties}", "Unbinds \(what)"),
            ]
        }

    static let clients: [APIOperation] = [
        list("/api/connections", "All connections", query: APIParameter.connections, "Connection"),
        list(
            "/api/vhosts/{vhost}/connections", "A virtual host's connections", query: APIParameter.connections,
            "Connection"),
        list("/api/connections/username/{user}", "A user's connections", query: APIParameter.connections, "Connection"),
        delete("/api/connections/username/{user}", "Closes a user's connections"),
        get(
            "/api/connections/{connection}", "A connection", query: [.columns] + APIParameter.dataRates,
            .reference("Connection")),
        delete("/api/connections/{connection}", "Closes a connection; the header X-Reason says why"),
        list(
            "/api/connections/{connection}/channels", "A connection's channels", query: APIParameter.channels, "Channel"
        ),
        list("/api/channels", "All channels", query: APIParameter.channels, "Channel"),
        list("/api/vhosts/{vhost}/channels", "A virtual host's channels", query: APIParameter.channels, "Channel"),
        get(
            "/api/channels/{channel}", "A channel", query: [.columns] + APIParameter.samples.prefix(2),
            .reference("Channel")),
    ]
}
