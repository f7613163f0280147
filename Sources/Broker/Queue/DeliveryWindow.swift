import Routing

/// How many more bytes one shard may deliver to one connection before what it delivered has left for the socket.
///
/// The connection's own shard keeps one in the connection; every other shard keeps one per connection that it
/// delivers to, and gets its bytes back by mailbox. It may go below zero by one message.
struct DeliveryWindow {
    var availableByteCount: Int
    /// Consumers that found it closed.
    var blocked: [BlockedConsumer] = []
    /// For a connection of another shard: the consumers here that point at the window.
    var consumerCount = 0
    /// The connection has ended: the window goes with its last consumer.
    var hasEnded = false

    @inline(__always)
    var isOpen: Bool { availableByteCount > 0 }
}

struct BlockedConsumer {
    let queue: QueueAddress
    let consumer: ConsumerReference
}
