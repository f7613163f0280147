import AMQPWire

/// What a route may depend on beside its exchange: borrowed from the message.
package struct RoutedMessage {
    package var routingKey: UnsafeRawBufferPointer
    /// The keys of `CC` and `BCC` headers: every exchange on the way looks at all keys.
    package var copies: [ShortString]
    /// The entries of the `headers` table as on the wire, without the length in front; empty when there is none. Bytes
    /// that do not parse count as absent.
    package var headers = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Empty when there is none.
    package var correlationID = UnsafeRawBufferPointer(start: nil, count: 0)
    package var messageID = UnsafeRawBufferPointer(start: nil, count: 0)
    package var timestamp: UInt64?
    /// Drawn for this message: what exchanges choose by that choose by chance.
    package var random: UInt64 = 0
    /// The gates that take this message.
    package var gates: ExchangeGates = []
    /// An exchange that it has left before: no way leads back to it.
    package var avoided: ExchangeID?

    package init(routingKey: UnsafeRawBufferPointer, copies: [ShortString] = []) {
        self.routingKey = routingKey
        self.copies = copies
    }
}

/// What may stand before an exchange's bindings: a queue that no client knows, whose owner lets messages pass later,
/// once, or remembers them.
package struct ExchangeGates: OptionSet, Hashable, Sendable, BitwiseCopyable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let delay = ExchangeGates(rawValue: 1)
    package static let deduplication = ExchangeGates(rawValue: 2)
    package static let history = ExchangeGates(rawValue: 4)
}
