import AMQPWire
import Journal
import Routing

// Failed deliveries: counted where a queue has a delivery limit, told to clients in the header `x-delivery-count`, and
// kept in the journal.
extension ShardState {
    /// Runs the body with the message's content, the header added where deliveries have failed (RabbitMQ: a long).
    @inline(never)
    func withDeliveryCount(_ entry: QueueEntry, _ body: (ContentView) -> Void) {
        var reader = WireReader(entry.message.properties)
        guard entry.deliveryCount > 0, var properties = try? BasicProperties(from: &reader) else {
            return body(entry.message.content)
        }
        var headers = properties.headers ?? FieldTable()
        headers["x-delivery-count"] = .int64(Int64(entry.deliveryCount))
        properties.headers = headers
        var encoded = OutboundBuffer()
        properties.write(to: &encoded)
        body(
            ContentView(
                addressing: entry.message.addressing, properties: encoded.bytes, body: entry.message.body))
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
