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
}
