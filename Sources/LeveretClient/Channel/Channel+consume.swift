import AMQPWire

/// How a consumer is started.
public struct ConsumeOptions: Hashable, Sendable {
    /// The consumer's name on its channel; empty lets the client choose one.
    public var consumerTag: String
    /// The broker forgets each message as it sends it: fast, and what is under way is lost with the connection. The
    /// prefetch does not apply.
    public var isAutoAck: Bool
    /// No other consumer of the queue; error 403 if there is one.
    public var isExclusive: Bool
    /// Such as `["x-priority": 10]`.
    public var arguments: FieldTable

    public init(
        consumerTag: String = "", autoAck: Bool = false, exclusive: Bool = false, arguments: FieldTable = [:]
    ) {
        self.consumerTag = consumerTag
        isAutoAck = autoAck
        isExclusive = exclusive
        self.arguments = arguments
    }
}

extension Channel {
    /// Consumes a queue: the broker sends its messages as they come.
    ///
    /// - Parameter prefetch: how many deliveries may be unacknowledged at a time, which also bounds how many wait here;
    ///   0 is no limit. A small number shares work evenly among consumers, a large one hides the way to the broker.
    public func consume(
        queue: String, prefetch: UInt16 = 100, options: ConsumeOptions = ConsumeOptions()
    ) async throws -> Deliveries {
        let chosen = options.consumerTag.isEmpty ? "leveret-\(core.nextConsumerNumber())" : options.consumerTag
        let tag = try ShortString(checking: chosen, as: "consumer tag")
        let method = BasicConsume(
            queue: try ShortString(checking: queue, as: "queue name"), consumerTag: tag, noAck: options.isAutoAck,
            exclusive: options.isExclusive, arguments: try options.arguments.wire())
        let qos = options.isAutoAck ? nil : BasicQos(prefetchCount: prefetch)
        let (consumer, buffer) = try await core.consume(method, qos: qos, on: link)
        return Deliveries(
            subscription: Subscription(
                channel: self, tag: tag, consumer: consumer, isAutoAck: options.isAutoAck, buffer: buffer))
    }

    /// Ends a consumer by its name, as ``Deliveries/cancel()`` does. One that does not exist is no error.
    public func cancel(consumerTag: String) async throws {
        let tag = try ShortString(checking: consumerTag, as: "consumer tag")
        try await core.cancel(tag: tag, on: link)
    }

    /// Takes one message from a queue, or nil when it is empty. For many messages ``consume(queue:prefetch:options:)``
    /// is far faster.
    public func get(queue: String, autoAck: Bool = false) async throws -> Delivery? {
        let method = BasicGet(queue: try ShortString(checking: queue, as: "queue name"), noAck: autoAck)
        guard case .message(let message) = try await core.request(.basicGet(method), on: link) else { return nil }
        return Delivery(channel: self, message: message)
    }
}
