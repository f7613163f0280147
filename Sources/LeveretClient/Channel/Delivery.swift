import AMQPWire

/// A message from a queue.
///
/// Unless it was taken with `autoAck`, it stays the broker's until it is acknowledged, and goes back to its queue when
/// the channel ends before that. Settle each delivery once: a second time closes the channel.
public struct Delivery: Sendable {
    /// The channel that it came by, and that it must be acknowledged on.
    public let channel: Channel
    let message: ReceivedMessage

    public var body: [UInt8] { message.body }
    /// The body as text; bytes that are no UTF-8 become U+FFFD.
    public var text: String { String(decoding: message.body, as: UTF8.self) }
    /// Read out at each use: keep them if you need several.
    public var properties: MessageProperties { MessageProperties(wire: message.propertyBytes) }
    /// Where it was published; empty for the default exchange.
    public var exchange: String { message.exchange }
    public var routingKey: String { message.routingKey }
    /// It was delivered before, perhaps: to somebody who did not acknowledge it.
    public var isRedelivered: Bool { message.isRedelivered }
    /// Its number on the channel.
    public var deliveryTag: UInt64 { message.deliveryTag }
    /// How many messages the queue still has; only for ``Channel/get(queue:autoAck:)``.
    public var remainingMessageCount: Int? { message.remainingMessageCount.map { Int($0) } }

    /// It is done with: the broker deletes it. The broker does not answer.
    ///
    /// - Parameter multiple: also every earlier delivery of the channel that is not settled yet.
    public func ack(multiple: Bool = false) async throws {
        try channel.core.settle(
            .basicAck(BasicAck(deliveryTag: deliveryTag, multiple: multiple)), on: channel.link)
    }

    /// It could not be processed. RabbitMQ's extension of ``reject(requeue:)``.
    ///
    /// - Parameters:
    ///   - requeue: back to the queue, else to the queue's dead-letter exchange, or away.
    ///   - multiple: also every earlier delivery of the channel that is not settled yet.
    public func nack(requeue: Bool = true, multiple: Bool = false) async throws {
        try channel.core.settle(
            .basicNack(BasicNack(deliveryTag: deliveryTag, multiple: multiple, requeue: requeue)), on: channel.link)
    }

    /// It could not be processed.
    ///
    /// - Parameter requeue: back to the queue, else to the queue's dead-letter exchange, or away.
    public func reject(requeue: Bool = true) async throws {
        try channel.core.settle(
            .basicReject(BasicReject(deliveryTag: deliveryTag, requeue: requeue)), on: channel.link)
    }
}
