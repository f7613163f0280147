import AMQPWire
import Routing

/// An exchange as it was declared.
struct ExchangeRecord: Sendable {
    let id: ExchangeID
    let name: ShortString
    /// The type's name as the client wrote it.
    let type: ShortString
    let kind: ExchangeKind
    let isDurable: Bool
    let isAutoDelete: Bool
    let isInternal: Bool
    let arguments: FieldTable
}

/// A queue as it was declared, and where it lives.
struct QueueRecord: Sendable {
    let name: ShortString
    let address: QueueAddress
    let isDurable: Bool
    let isAutoDelete: Bool
    /// The connection that alone may use it.
    let exclusiveOwner: ConnectionAddress?
    let arguments: FieldTable
}

extension ExchangeKind {
    /// nil for a type that this broker does not have.
    init?(type: ShortString) {
        switch type {
        case "direct": self = .direct
        case "fanout": self = .fanout
        case "topic": self = .topic
        case "headers": self = .headers
        default: return nil
        }
    }
}
