import AMQPWire

/// Deliveries encoded for the wire, as a shard does it for a consumer, and nothing else.
final class EncodeBench {
    private let message: [UInt8]
    private let addressingByteCount: Int
    private let propertiesByteCount: Int
    private let consumerTag: [UInt8]
    private var output = OutboundBuffer()

    private static let messagesPerBatch = 500

    init(bodyByteCount: Int) {
        let addressing = [0, 7] + Array("queue-0".utf8)
        let properties: [UInt8] = [0, 0]
        addressingByteCount = addressing.count
        propertiesByteCount = properties.count
        message = addressing + properties + [UInt8](repeating: 0x78, count: bodyByteCount)
        let tag = Array("consumer-1".utf8)
        consumerTag = [UInt8(tag.count)] + tag
    }

    deinit { output.deallocate() }

    /// Encodes at least `count` deliveries in whole batches; returns how many.
    func encode(_ count: Int) -> Int {
        var encoded = 0
        while encoded < count {
            message.withUnsafeBytes { message in
                consumerTag.withUnsafeBytes { tag in
                    for number in 1...Self.messagesPerBatch { write(message, tag, UInt64(encoded + number)) }
                }
            }
            output.removeAll()
            encoded += Self.messagesPerBatch
        }
        return encoded
    }

    private func write(_ message: UnsafeRawBufferPointer, _ consumerTag: UnsafeRawBufferPointer, _ tag: UInt64) {
        let bodyStart = addressingByteCount + propertiesByteCount
        output.writeDeliver(
            channel: 1, consumerTag: consumerTag, deliveryTag: tag, redelivered: false,
            content: ContentView(
                addressing: UnsafeRawBufferPointer(rebasing: message[..<addressingByteCount]),
                properties: UnsafeRawBufferPointer(rebasing: message[addressingByteCount..<bodyStart]),
                body: UnsafeRawBufferPointer(rebasing: message[bodyStart...])),
            frameMax: 131_072)
    }
}
