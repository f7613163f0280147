import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// Messages of a queue: `get` takes some, `unacked` shows who has which.
enum QueueMessagesResource: Resource {
    static let routes = [
        Route(.post, "/api/queues/{vhost}/{queue}/get", access: .virtualHost, get),
        Route(.get, "/api/queues/{vhost}/{queue}/unacked", access: .virtualHost, unacked),
    ]

    /// What becomes of messages that were got.
    private enum AckMode: String, CaseIterable {
        case ackRequeueTrue = "ack_requeue_true"
        case ackRequeueFalse = "ack_requeue_false"
        case rejectRequeueTrue = "reject_requeue_true"
        case rejectRequeueFalse = "reject_requeue_false"
    }

    /// With so many bytes of bodies the answer ends, though more messages were asked for.
    private static let answerByteCount = 64 << 20

    private static func get(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        _ = try request.queueAddress()
        let queue = try request.name("queue")
        let fields = try request.fields()
        let modeName = try fields.required("ackmode", try fields.string("ackmode"))
        guard let mode = AckMode(rawValue: modeName) else {
            let modes = AckMode.allCases.map(\.rawValue).joined(separator: ", ")
            throw .badRequest("field 'ackmode': one of \(modes) was expected")
        }
        let count = try fields.required("count", try fields.integer("count", in: 0...1_000_000))
        let encoding = try fields.required("encoding", try fields.string("encoding"))
        guard encoding == "auto" || encoding == "base64" else {
            throw .badRequest("Unsupported encoding. Please use auto or base64.")
        }
        let limit = try fields.integer("truncate", in: 0...Int.max)
        let messages = try await request.withChannel(virtualHost: try request.virtualHost) {
            connection throws(DirectError) in
            try await get(count, of: queue, mode, connection)
        }
        return .json(
            .array(messages.map { .object(object(of: $0, isText: encoding == "auto", limit: limit)) }))
    }

    private static func get(
        _ count: Int, of queue: ShortString, _ mode: AckMode, _ connection: DirectConnection
    ) async throws(DirectError) -> [DirectMessage] {
        var messages: [DirectMessage] = []
        var byteCount = 0
        while messages.count < count, byteCount < answerByteCount {
            let message = try await connection.get(queue: queue, isAutomaticallyAcked: mode == .ackRequeueFalse)
            guard let message else { break }
            byteCount += message.body.count
            messages.append(message)
        }
        // Only now: what is requeued would come again. The end of the channel requeues the rest.
        if mode == .rejectRequeueTrue || mode == .rejectRequeueFalse {
            for message in messages {
                connection.send(
                    BasicReject(deliveryTag: message.delivery.deliveryTag, requeue: mode == .rejectRequeueTrue))
            }
        }
        return messages
    }

    private static func object(of message: DirectMessage, isText: Bool, limit: Int?) -> JSONObject {
        let body = limit.map { Array(message.body.prefix($0)) } ?? message.body
        let text = isText ? String(validating: body, as: UTF8.self) : nil
        return [
            "payload_bytes": .integer(message.body.count),
            "redelivered": .bool(message.delivery.redelivered),
            "exchange": .text(message.delivery.exchange),
            "routing_key": .text(message.delivery.routingKey),
            "message_count": .number(message.delivery.messageCount),
            "properties": .object(message.properties.json),
            "payload": .string(text ?? Base64.encode(body)),
            "payload_encoding": .string(text == nil ? "base64" : "string"),
        ]
    }

    // MARK: Unacked

    /// Pages of them: the whole would have to be collected from every channel.
    private static func unacked(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let queue = try await request.queueSnapshot()
        let page = try ListQuery(request.query).page ?? ListQuery.Page(number: 1, size: ListQuery.maxPageSize)
        let items = await request.administration.unackedSnapshots(
            of: queue.address, skipping: page.start, limit: page.size)
        let objects = items.map { JSONValue.object(object(of: $0, request.context.nodeName)) }
        guard request.query["page"] != nil else { return .json(.array(objects)) }
        return .json([
            "total_count": .integer(queue.unackedCount), "filtered_count": .integer(queue.unackedCount),
            "item_count": .integer(objects.count), "page": .integer(page.number), "page_size": .integer(page.size),
            "page_count": .integer((queue.unackedCount + page.size - 1) / page.size), "items": .array(objects),
        ])
    }

    private static func object(of message: UnackedSnapshot, _ nodeName: String) -> JSONObject {
        [
            "consumer_tag": message.consumerTag.map { .text($0) } ?? .null,
            "delivery_tag": .number(message.deliveryTag),
            "delivered_at": .string(Timestamps.text(milliseconds: message.deliveredMilliseconds)),
            "published_at": .string(Timestamps.text(milliseconds: message.publishedMilliseconds)),
            "redelivered": .bool(message.isRedelivered), "delivery_count": .integer(message.deliveryCount),
            "exchange": .text(message.exchange), "routing_key": .text(message.routingKey),
            "payload_bytes": .integer(message.bodyByteCount), "properties": .object(message.properties.json),
            "channel_details": channelDetails(
                message.connection, number: message.channelNumber, nodeName: nodeName),
        ]
    }
}
