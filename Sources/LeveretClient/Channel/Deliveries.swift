import AMQPWire

/// The deliveries of one consumer, in the broker's order.
///
///     for try await delivery in deliveries {
///         …
///         try await delivery.ack()
///     }
///
/// The sequence ends when this program cancels the consumer or closes its channel. It throws when the broker ends them:
/// ``LeveretError`` with code `consumerCancelled` when the queue was deleted, or the channel's or connection's error.
///
/// Several tasks may iterate at a time: each delivery goes to one of them. Once nobody holds the sequence any more, its
/// consumer is cancelled and what was not taken goes back to the queue.
public struct Deliveries: AsyncSequence, Sendable {
    public typealias Element = Delivery

    let subscription: Subscription

    /// The consumer's name on its channel.
    public var consumerTag: String { subscription.tag.description }

    /// Ends the consumer. Deliveries that were not taken go back to the queue and the sequence ends; with `autoAck`
    /// they can still be taken.
    public func cancel() async throws {
        try await subscription.cancel()
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let subscription: Subscription

        /// - Throws: ``LeveretError`` when the broker ended the consumer; `CancellationError` when the task is
        ///   cancelled. The consumer goes on then.
        public mutating func next() async throws -> Delivery? {
            try await subscription.next()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(subscription: subscription) }
}

/// Keeps the consumer as long as somebody may take its deliveries.
final class Subscription: Sendable {
    let tag: ShortString
    private let channel: Channel
    private let consumer: ConsumerID
    private let isAutoAck: Bool
    private let buffer: StreamBuffer<ReceivedMessage>

    init(
        channel: Channel, tag: ShortString, consumer: ConsumerID, isAutoAck: Bool,
        buffer: StreamBuffer<ReceivedMessage>
    ) {
        self.channel = channel
        self.tag = tag
        self.consumer = consumer
        self.isAutoAck = isAutoAck
        self.buffer = buffer
    }

    deinit {
        channel.core.drop(consumer, buffer, tag: tag, isAutoAck: isAutoAck, on: channel.link)
    }

    func next() async throws -> Delivery? {
        guard let message = try await buffer.next() else { return nil }
        channel.core.took(message.byteCount)
        return Delivery(channel: channel, message: message)
    }

    func cancel() async throws {
        try await channel.core.cancel(tag: tag, on: channel.link)
    }
}
