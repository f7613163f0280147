import AMQPWire

/// How an exchange compares a message with its bindings.
package enum ExchangeKind: Hashable, Sendable, BitwiseCopyable {
    /// The routing key equals the binding key. The default exchange is of this kind, over the names of queues.
    case direct
    /// Every binding matches.
    case fanout
    /// The binding key is a pattern of words: `*` is exactly one word, `#` zero or more.
    case topic
    /// The binding's arguments are compared with the message's headers.
    case headers
    /// One destination, by a hash of the message and the weights of the bindings.
    case consistentHash
    /// One destination, by the hash of the routing keys modulo their number.
    case modulusHash
    /// One binding, by chance.
    case random
}

/// What a consistent-hash exchange takes the hash of. What the message does not have counts as one value like others.
package enum HashSource: Hashable, Sendable {
    case routingKey
    case header(ShortString)
    case correlationID
    case messageID
    case timestamp

    /// nil when RabbitMQ's plugin does not know the property.
    package init?(property: String) {
        switch property {
        case "correlation_id": self = .correlationID
        case "message_id": self = .messageID
        case "timestamp": self = .timestamp
        default: return nil
        }
    }
}
