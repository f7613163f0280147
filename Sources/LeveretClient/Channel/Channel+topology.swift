import AMQPWire

// Queues.
extension Channel {
    /// Declares a queue: makes it, or checks that it is there with the same options.
    ///
    /// - Parameter name: empty lets the broker choose one.
    @discardableResult
    public func declareQueue(
        _ name: String = "", options: QueueOptions = QueueOptions()
    ) async throws -> QueueDescription {
        let method = QueueDeclare(
            queue: try ShortString(checking: name, as: "queue name"), passive: options.isPassive,
            durable: options.isDurable, exclusive: options.isExclusive, autoDelete: options.isAutoDelete,
            arguments: try options.arguments.wire())
        guard case .method(.queueDeclareOk(let reply)) = try await core.request(.queueDeclare(method), on: link)
        else { throw LeveretError.closed }
        return QueueDescription(
            name: reply.queue.description, messageCount: Int(reply.messageCount),
            consumerCount: Int(reply.consumerCount))
    }

    /// Binds a queue to an exchange: messages that match come to the queue.
    ///
    /// - Parameters:
    ///   - routingKey: the key for a direct exchange, the pattern for a topic exchange; others ignore it.
    ///   - arguments: what a headers exchange matches, with `x-match`.
    public func bindQueue(
        _ queue: String, to exchange: String, routingKey: String = "", arguments: FieldTable = [:]
    ) async throws {
        try await perform(
            .queueBind(
                QueueBind(
                    queue: try ShortString(checking: queue, as: "queue name"),
                    exchange: try ShortString(checking: exchange, as: "exchange name"),
                    routingKey: try ShortString(checking: routingKey, as: "routing key"),
                    arguments: try arguments.wire())))
    }

    /// Removes the binding with exactly this key and these arguments.
    public func unbindQueue(
        _ queue: String, from exchange: String, routingKey: String = "", arguments: FieldTable = [:]
    ) async throws {
        try await perform(
            .queueUnbind(
                QueueUnbind(
                    queue: try ShortString(checking: queue, as: "queue name"),
                    exchange: try ShortString(checking: exchange, as: "exchange name"),
                    routingKey: try ShortString(checking: routingKey, as: "routing key"),
                    arguments: try arguments.wire())))
    }

    /// Deletes a queue with its messages; one that does not exist is no error.
    ///
    /// - Parameters:
    ///   - ifUnused: error 406 when it has consumers.
    ///   - ifEmpty: error 406 when it has messages.
    /// - Returns: how many messages it had.
    @discardableResult
    public func deleteQueue(_ queue: String, ifUnused: Bool = false, ifEmpty: Bool = false) async throws -> Int {
        let method = QueueDelete(
            queue: try ShortString(checking: queue, as: "queue name"), ifUnused: ifUnused, ifEmpty: ifEmpty)
        guard case .method(.queueDeleteOk(let reply)) = try await core.request(.queueDelete(method), on: link)
        else { throw LeveretError.closed }
        return Int(reply.messageCount)
    }

    /// Removes the messages that are ready to be delivered.
    ///
    /// - Returns: how many they were.
    @discardableResult
    public func purgeQueue(_ queue: String) async throws -> Int {
        let method = QueuePurge(queue: try ShortString(checking: queue, as: "queue name"))
        guard case .method(.queuePurgeOk(let reply)) = try await core.request(.queuePurge(method), on: link)
        else { throw LeveretError.closed }
        return Int(reply.messageCount)
    }
}

// Exchanges.
extension Channel {
    /// Declares an exchange: makes it, or checks that it is there with the same options.
    public func declareExchange(
        _ name: String, type: ExchangeType = .direct, options: ExchangeOptions = ExchangeOptions()
    ) async throws {
        try await perform(
            .exchangeDeclare(
                ExchangeDeclare(
                    exchange: try ShortString(checking: name, as: "exchange name"),
                    type: try ShortString(checking: type.rawValue, as: "exchange type"),
                    passive: options.isPassive, durable: options.isDurable, autoDelete: options.isAutoDelete,
                    internal: options.isInternal, arguments: try options.arguments.wire())))
    }

    /// Binds an exchange to another: messages that match in `source` go on to `destination`.
    public func bindExchange(
        _ destination: String, to source: String, routingKey: String = "", arguments: FieldTable = [:]
    ) async throws {
        try await perform(
            .exchangeBind(
                ExchangeBind(
                    destination: try ShortString(checking: destination, as: "exchange name"),
                    source: try ShortString(checking: source, as: "exchange name"),
                    routingKey: try ShortString(checking: routingKey, as: "routing key"),
                    arguments: try arguments.wire())))
    }

    /// Removes the binding with exactly this key and these arguments.
    public func unbindExchange(
        _ destination: String, from source: String, routingKey: String = "", arguments: FieldTable = [:]
    ) async throws {
        try await perform(
            .exchangeUnbind(
                ExchangeUnbind(
                    destination: try ShortString(checking: destination, as: "exchange name"),
                    source: try ShortString(checking: source, as: "exchange name"),
                    routingKey: try ShortString(checking: routingKey, as: "routing key"),
                    arguments: try arguments.wire())))
    }

    /// Deletes an exchange with its bindings; one that does not exist is no error.
    ///
    /// - Parameter ifUnused: error 406 when something is bound to it.
    public func deleteExchange(_ exchange: String, ifUnused: Bool = false) async throws {
        try await perform(
            .exchangeDelete(
                ExchangeDelete(
                    exchange: try ShortString(checking: exchange, as: "exchange name"), ifUnused: ifUnused)))
    }
}
