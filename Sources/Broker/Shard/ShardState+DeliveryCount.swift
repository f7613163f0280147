import AMQPWire
import Journal
import Routing

// How often a message came back: counted by quorum queues, and where a queue has a delivery limit. Clients are told as
// RabbitMQ 4.3 tells them, in `x-acquired-count`, and what of it failed in `x-delivery-count`, which the journal keeps.
extension ShardState {
    /// Runs the body with the message's content as it is delivered: the headers added where deliveries came back
    /// (RabbitMQ: longs), and without the header `BCC`.
    @inline(never)
    func withDeliveredContent(_ entry: QueueEntry, _ body: (ContentView) -> Void) {
        guard entry.isRewritten else { return body(entry.message.content) }
        withContent(
            entry.message, deliveryCount: entry.deliveryCount, acquiredCount: entry.acquiredCount, body)
    }

    /// The same for a message that is returned.
    @inline(never)
    func withReturnedContent(_ message: Message, _ body: (ContentView) -> Void) {
        if message.care.contains(.hidesCopies) {
            withContent(message, deliveryCount: 0, acquiredCount: 0, body)
        } else {
            body(message.content)
        }
    }

    private func withContent(
        _ message: Message, deliveryCount: Int, acquiredCount: Int, _ body: (ContentView) -> Void
    ) {
        var reader = WireReader(message.properties)
        guard var properties = try? BasicProperties(from: &reader) else { return body(message.content) }
        var headers = properties.headers ?? FieldTable()
        if deliveryCount > 0 { headers["x-delivery-count"] = .int64(Int64(deliveryCount)) }
        if acquiredCount > 0 { headers["x-acquired-count"] = .int64(Int64(acquiredCount)) }
        if message.care.contains(.hidesCopies) { headers["BCC"] = nil }
        properties.headers = headers
        var encoded = OutboundBuffer()
        properties.write(to: &encoded)
        body(
            ContentView(addressing: message.addressing, properties: encoded.bytes, body: message.body))
        encoded.deallocate()
    }

    /// The count survives the node: not awaited by anybody, so one that was not written yet may be forgotten.
    func journalDeliveryCount(_ entry: QueueEntry, _ queue: UnsafeMutablePointer<QueueState>) {
        let id = entry.message.id
        let holder = queue.pointee.holder
        guard id != 0, holder != 0 else { return }
        journal.append {
            $0.appendDeliveryCount(holder: holder, id: id, count: UInt32(entry.deliveryCount))
        }
    }
}
