import AMQPWire

package enum BindingDestination: Hashable, Sendable {
    case queue(QueueAddress)
    case exchange(ExchangeID)
}

/// A binding is all four of its fields: the same queue bound twice with other arguments is two bindings.
///
/// In `RoutingTable` the order of the arguments' names does not count, as in RabbitMQ, which sorts them.
package struct Binding: Hashable, Sendable {
    package var source: ExchangeID
    package var destination: BindingDestination
    package var routingKey: ShortString
    package var arguments: FieldTable

    package init(
        source: ExchangeID, destination: BindingDestination, routingKey: ShortString,
        arguments: FieldTable = FieldTable()
    ) {
        self.source = source
        self.destination = destination
        self.routingKey = routingKey
        self.arguments = arguments
    }
}
