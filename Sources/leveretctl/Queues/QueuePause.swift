import ArgumentParser
import Console
import JSON

extension QueuesCommand {
    struct Pause: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "pause", "Stops delivery from a queue; publishing goes on. Leveret only.",
            examples: ["leveretctl queues pause orders"])

        @Argument(help: "Its name.") var name: String
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            try await client.changeDelivery(of: name, in: virtualHost.name, "pause")
            change.done("queue '\(name)' paused: it takes messages, and delivers none until: leveretctl queues resume")
        }
    }

    struct Resume: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "resume", "Lets a paused queue deliver again. Leveret only.",
            examples: ["leveretctl queues resume orders"])

        @Argument(help: "Its name.") var name: String
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            try await client.changeDelivery(of: name, in: virtualHost.name, "resume")
            change.done("queue '\(name)' delivers again")
        }
    }

    struct Unacked: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "unacked", "Which messages are unacknowledged, by which consumer, since when. Leveret only.",
            examples: ["leveretctl queues unacked orders", "leveretctl queues unacked orders --json"])

        @Argument(help: "The queue's name.") var name: String
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ServerOptions

        private static let listing = Listing(
            noun: "unacknowledged messages",
            columns: [
                .init("delivered_at", title: "since"), .init("consumer", path: "consumer_tag"),
                .init("channel", path: "channel_details.name"), .init("delivery_tag", .number, title: "tag"),
                .init("redelivered"), .init("delivery_count", .number, title: "deliveries"), .init("exchange"),
                .init("routing_key", title: "routing key"), .init("payload_bytes", .bytes, title: "size"),
                .init("message_id", title: "message id", path: "properties.message_id"),
            ],
            defaults: [], nameColumn: "consumer")

        /// As many as the server tells at once.
        private static let pageSize = 500

        func run(_ client: ManagementClient) async throws {
            let answer = try await client.ownEndpoint(of: name, in: virtualHost.name) {
                try await client.get(
                    APIPath("queues", virtualHost.name, name, "unacked").with("page", "1")
                        .with("page_size", String(Self.pageSize)))
            }
            let rows = answer.items.isEmpty ? answer["items"].items : answer.items
            if output.json { return Report.write(.array(rows)) }
            if rows.isEmpty { return Report.note("queue '\(name)' has no unacknowledged messages") }
            let columns = Self.listing.columns
            var table = Table(columns: columns.map { .init(title: $0.title, isNumber: $0.isNumber) })
            table.rows = rows.map { row in columns.map { $0.text(row) } }
            Report.write(
                table.lines(width: Terminal.size?.columns, hasTitles: !output.quiet, isBold: Terminal.hasStyle))
            if let total = answer["total_count"].wholeNumber, total > rows.count {
                Report.note("these are \(Quantity.grouped(rows.count)) of \(Quantity.grouped(total))")
            }
        }
    }
}

extension ManagementClient {
    fileprivate func changeDelivery(of queue: String, in virtualHost: String, _ verb: String) async throws {
        try await ownEndpoint(of: queue, in: virtualHost) {
            try await put(APIPath("queues", virtualHost, queue, verb), [:])
        }
    }

    /// What RabbitMQ does not have it answers with 404 or 405: then the queue is there, and the server is another.
    @discardableResult
    fileprivate func ownEndpoint<Result: Sendable>(
        of queue: String, in virtualHost: String, _ request: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await request()
        } catch let error as ServerError where error.status == 404 || error.status == 405 {
            guard try await find(APIPath("queues", virtualHost, queue)) != nil else {
                throw await missing(.queue, queue, in: virtualHost)
            }
            let overview = try await get(APIPath("overview"))
            let product = overview["product_name"].text ?? "RabbitMQ"
            let version = overview["product_version"].text ?? overview["rabbitmq_version"].text ?? "?"
            throw ControlError(
                "\(product) \(version) at \(endpoint.address) does not have this: it needs a Leveret broker that does")
        }
    }
}
