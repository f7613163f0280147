/// A message in a queue: 16 bytes a queue that holds it.
struct QueueEntry: Equatable, BitwiseCopyable {
    var message: Message
    /// Place in the queue in the upper 56 bits, deliveries so far (up to 255) in the lower 8.
    private var placeAndDeliveries: UInt64

    init(message: Message, place: UInt64) {
        self.message = message
        placeAndDeliveries = place << 8
    }

    /// Rises with every message that the queue accepts; a requeued message keeps its own.
    @inline(__always)
    var place: UInt64 { placeAndDeliveries >> 8 }
    @inline(__always)
    var isRedelivered: Bool { placeAndDeliveries & 0xFF != 0 }

    mutating func countDelivery() {
        if placeAndDeliveries & 0xFF != 0xFF { placeAndDeliveries += 1 }
    }
}
