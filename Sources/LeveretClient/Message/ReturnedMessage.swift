/// A mandatory message that reached no queue and came back.
public struct ReturnedMessage: Hashable, Sendable {
    /// 312: no queue is bound for the routing key.
    public let replyCode: UInt16
    /// `NO_ROUTE`.
    public let replyText: String
    public let exchange: String
    public let routingKey: String
    public let body: [UInt8]
    let propertyBytes: [UInt8]

    public var properties: MessageProperties { MessageProperties(wire: propertyBytes) }
}
