import AMQPWire

extension Channel {
    /// Publishes a message and does not wait for the broker: it may be lost with the connection.
    ///
    /// It returns once the message is written for sending, and waits only when the broker takes them more slowly than
    /// they are published.
    ///
    /// - Parameters:
    ///   - exchange: empty is the default exchange, which routes to the queue that the routing key names.
    ///   - mandatory: a message that reaches no queue comes back: see ``returnedMessages``.
    public func publish(
        body: [UInt8], exchange: String = "", routingKey: String, properties: MessageProperties = MessageProperties(),
        mandatory: Bool = false
    ) async throws {
        try await core.publish(
            outgoing(body, exchange, routingKey, properties, isMandatory: mandatory), on: link)
    }

    /// Publishes a text, as UTF-8. See ``publish(body:exchange:routingKey:properties:mandatory:)-([UInt8],_,_,_,_)``.
    public func publish(
        body: String, exchange: String = "", routingKey: String, properties: MessageProperties = MessageProperties(),
        mandatory: Bool = false
    ) async throws {
        try await publish(
            body: Array(body.utf8), exchange: exchange, routingKey: routingKey, properties: properties,
            mandatory: mandatory)
    }

    /// From now on the broker confirms each message that is published on this channel. Call it once, before
    /// ``publishConfirmed(body:exchange:routingKey:properties:mandatory:)-([UInt8],_,_,_,_)``.
    public func enableConfirms() async throws {
        try await perform(.confirmSelect(ConfirmSelect()))
    }

    /// Publishes a message and waits until the broker has taken responsibility for it.
    ///
    /// Each call costs a round trip; for throughput have many under way at a time, from many tasks, or publish a batch
    /// with ``publish(body:exchange:routingKey:properties:mandatory:)-([UInt8],_,_,_,_)`` and then
    /// ``waitForConfirms()``. After a cancellation it is unknown whether the message arrived.
    ///
    /// - Throws: ``LeveretError`` with code `nacked` when the broker refused it, and `returned` when it is mandatory
    ///   and reached no queue.
    public func publishConfirmed(
        body: [UInt8], exchange: String = "", routingKey: String, properties: MessageProperties = MessageProperties(),
        mandatory: Bool = false
    ) async throws {
        try await core.publishConfirmed(
            outgoing(body, exchange, routingKey, properties, isMandatory: mandatory), on: link)
    }

    /// Publishes a text, as UTF-8, and waits for its confirm.
    public func publishConfirmed(
        body: String, exchange: String = "", routingKey: String, properties: MessageProperties = MessageProperties(),
        mandatory: Bool = false
    ) async throws {
        try await publishConfirmed(
            body: Array(body.utf8), exchange: exchange, routingKey: routingKey, properties: properties,
            mandatory: mandatory)
    }

    /// Waits until everything that was published on this channel since ``enableConfirms()`` is confirmed.
    ///
    /// - Throws: ``LeveretError`` with code `nacked` when a message that nobody waited for was refused since the last
    ///   call.
    public func waitForConfirms() async throws {
        try await core.waitForConfirms(on: link)
    }

    /// Mandatory messages that reached no queue, but for those that
    /// ``publishConfirmed(body:exchange:routingKey:properties:mandatory:)-([UInt8],_,_,_,_)`` waits for.
    ///
    /// They are kept from the first use of this property on, the newest thousand of them. The sequence ends with the
    /// channel.
    public var returnedMessages: ReturnedMessages { ReturnedMessages(channel: self, buffer: link.returned) }

    private func outgoing(
        _ body: [UInt8], _ exchange: String, _ routingKey: String, _ properties: MessageProperties, isMandatory: Bool
    ) throws(LeveretError) -> OutgoingMessage {
        OutgoingMessage(
            exchange: exchange, routingKey: routingKey, isMandatory: isMandatory,
            properties: properties == MessageProperties() ? nil : try properties.wire(), body: body)
    }
}

/// Mandatory messages that came back. See ``Channel/returnedMessages``.
public struct ReturnedMessages: AsyncSequence, Sendable {
    public typealias Element = ReturnedMessage

    let channel: Channel
    let buffer: StreamBuffer<ReturnedMessage>

    public struct AsyncIterator: AsyncIteratorProtocol {
        let messages: ReturnedMessages

        /// - Throws: ``LeveretError`` when the channel did not end by this program; `CancellationError`.
        public mutating func next() async throws -> ReturnedMessage? {
            try await messages.buffer.next()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(messages: self) }
}
