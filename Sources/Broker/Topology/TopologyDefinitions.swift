import AMQPWire

/// A queue as definitions describe it: what it takes to declare it, by names.
package struct QueueDefinition: Hashable, Sendable {
    package var virtualHost: ShortString
    package var name: ShortString
    package var isDurable: Bool
    package var isAutoDelete: Bool
    package var arguments: FieldTable

    package init(
        virtualHost: ShortString, name: ShortString, isDurable: Bool = true, isAutoDelete: Bool = false,
        arguments: FieldTable = FieldTable()
    ) {
        self.virtualHost = virtualHost
        self.name = name
        self.isDurable = isDurable
        self.isAutoDelete = isAutoDelete
        self.arguments = arguments
    }

    var declare: QueueDeclare {
        QueueDeclare(queue: name, durable: isDurable, autoDelete: isAutoDelete, arguments: arguments)
    }

    /// - Throws: What a client would be answered that declares it, as far as the queue alone can tell.
    package func check() throws(ProtocolError) {
        let resource = ResourceName(kind: .queue, name: name, virtualHost: virtualHost)
        if name.hasPrefix("amq.") { throw .reservedName(.queue, name) }
        let arguments = try QueueArguments(arguments, resource: resource)
        try ShardState.checkProperties(declare, type: arguments.queueType, resource)
    }
}

/// An exchange as definitions describe it.
package struct ExchangeDefinition: Hashable, Sendable {
    package var virtualHost: ShortString
    package var name: ShortString
    package var type: ShortString
    package var isDurable: Bool
    package var isAutoDelete: Bool
    package var isInternal: Bool
    package var arguments: FieldTable

    package init(
        virtualHost: ShortString, name: ShortString, type: ShortString, isDurable: Bool = true,
        isAutoDelete: Bool = false, isInternal: Bool = false, arguments: FieldTable = FieldTable()
    ) {
        self.virtualHost = virtualHost
        self.name = name
        self.type = type
        self.isDurable = isDurable
        self.isAutoDelete = isAutoDelete
        self.isInternal = isInternal
        self.arguments = arguments
    }

    var declare: ExchangeDeclare {
        ExchangeDeclare(
            exchange: name, type: type, durable: isDurable, autoDelete: isAutoDelete, internal: isInternal,
            arguments: arguments)
    }

    /// Whether this broker has its type.
    package var hasKnownType: Bool { ExchangeType(type) != nil }

    /// - Throws: What a client would be answered that declares it, as far as the exchange alone can tell.
    package func check() throws(ProtocolError) {
        let resource = ResourceName(kind: .exchange, name: name, virtualHost: virtualHost)
        guard let type = ExchangeType(type) else { throw .unknownExchangeType(self.type) }
        if name.isEmpty { throw .defaultExchange }
        if name.hasPrefix("amq.") { throw .reservedName(.exchange, name) }
        if let alternate = arguments["alternate-exchange"], alternate.text == nil {
            throw .invalidArgumentType("alternate-exchange", resource, type: alternate.typeName)
        }
        _ = try ExchangeBehaviour(type, arguments, resource)
    }
}

/// A binding as definitions describe it.
package struct BindingDefinition: Hashable, Sendable {
    package var virtualHost: ShortString
    package var source: ShortString
    package var destination: ShortString
    package var isToQueue: Bool
    package var routingKey: ShortString
    package var arguments: FieldTable

    package init(
        virtualHost: ShortString, source: ShortString, destination: ShortString, isToQueue: Bool = true,
        routingKey: ShortString, arguments: FieldTable = FieldTable()
    ) {
        self.virtualHost = virtualHost
        self.source = source
        self.destination = destination
        self.isToQueue = isToQueue
        self.routingKey = routingKey
        self.arguments = arguments
    }
}

/// What became of something that was imported.
package enum ImportOutcome: Sendable {
    case created
    /// It was there, with these properties.
    case existed
    /// It was there with other properties, and keeps them.
    case differs
}
