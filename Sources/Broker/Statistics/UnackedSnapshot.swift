import AMQPWire
import Routing

/// A message that was delivered and not settled: which, to whom, since when.
package struct UnackedSnapshot: Sendable {
    package let queue: QueueAddress
    /// nil for basic.get.
    package let consumerTag: ShortString?
    package let connection: ConnectionDetails
    package let channelNumber: UInt16
    package let deliveryTag: UInt64
    /// About when it was delivered, in milliseconds since 1970: at most the length of a tick (250 ms) late while
    /// recent, less exact the longer it is ago.
    package let deliveredMilliseconds: UInt64
    package let isRedelivered: Bool
    /// Deliveries that failed before, in a queue that counts them.
    package let deliveryCount: Int
    package let exchange: ShortString
    package let routingKey: ShortString
    package let properties: BasicProperties
    package let bodyByteCount: Int
    /// When it was published, in milliseconds since 1970.
    package let publishedMilliseconds: UInt64
}

/// Where the reading of a shard's unacked messages goes on.
package struct UnackedCursor: Sendable, Equatable {
    var connectionSlot: UInt32
    var channelNumber: UInt16 = 0
    /// Tags up to this one were read.
    var deliveryTag: UInt64 = 0

    package static let start = UnackedCursor(connectionSlot: 0)
}
