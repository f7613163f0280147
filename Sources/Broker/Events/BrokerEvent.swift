import AMQPWire

/// Something that has happened in the broker, as `amq.rabbitmq.event` tells those who are bound to it.
///
/// Keys, header names and types are RabbitMQ's (its `rabbitmq_event_exchange` plugin): the message has no body, an
/// integer is a `long`, a name a `longstr`, and arguments are an array of texts in the form of Erlang's terms.
package struct BrokerEvent: Sendable, Equatable {
    /// The routing key, such as `queue.created`.
    package let key: ShortString
    package var headers: FieldTable
    /// Whether it tells who has done it.
    package let namesActingUser: Bool

    package init(_ key: ShortString, _ headers: FieldTable, namesActingUser: Bool = true) {
        self.key = key
        self.headers = headers
        self.namesActingUser = namesActingUser
    }

    /// The exchange that events go to.
    static let exchange: ShortString = "amq.rabbitmq.event"
    /// Who has done what nobody asked for (RabbitMQ's name).
    package static let internalUser: ShortString = "rmq-internal"
    static let actingUserHeader: ShortString = "user_who_performed_action"
}

// What the values are made of.
extension BrokerEvent {
    static func text(_ name: ShortString) -> FieldValue { .longString(name.bytes) }

    /// Arguments, or properties of a client: RabbitMQ does not make a table of what is one already.
    static func terms(_ table: FieldTable) -> FieldValue { .array(table.entries.map { .string($0.erlangTerm) }) }

    /// A value that came as JSON: every integer is a `long`.
    static func widened(_ value: FieldValue) -> FieldValue {
        switch value {
        case .array(let values): .array(values.map(widened))
        case .table(let table): .table(widened(table))
        default: value.integer.map { .int64($0) } ?? value
        }
    }

    static func widened(_ table: FieldTable) -> FieldTable {
        FieldTable(table.entries.map { FieldTable.Entry(name: $0.name, value: widened($0.value)) })
    }
}
