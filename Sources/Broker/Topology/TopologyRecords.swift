import AMQPWire
import Routing

/// An exchange as it was declared.
struct ExchangeRecord: Sendable {
    let id: ExchangeID
    let name: ShortString
    /// The type's name as the client wrote it.
    let type: ShortString
    let behaviour: ExchangeBehaviour
    let isDurable: Bool
    let isAutoDelete: Bool
    let isInternal: Bool
    let arguments: FieldTable
    /// The user who declared it: RabbitMQ's `user_who_performed_action`.
    let creator: ShortString
    var gate: GatePlace?
    var policies = AppliedPolicies()

    /// The prefix is reserved: no client made it.
    var isPredeclared: Bool { name.isEmpty || name.hasPrefix("amq.") }

    /// Whether topic permissions are for it: a delayed-message exchange is of another type, however it routes.
    var isTopic: Bool { behaviour.type == .topic && behaviour.gate == nil }

    /// What is predeclared needs no record.
    var isJournaled: Bool { isDurable && !isPredeclared }

    var durable: DurableExchange {
        DurableExchange(
            name: name, type: type, isAutoDelete: isAutoDelete, isInternal: isInternal, arguments: arguments,
            journalNumber: gate?.journalNumber ?? 0, creator: creator)
    }
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
    let type: QueueType
    let durability: QueueDurability
    var policies = AppliedPolicies()
    /// 0 for a transient queue.
    var journalNumber: UInt32 = 0
    /// An administrator has stopped its deliveries.
    var isPaused = false
    /// `QueueArguments.mayReject` of the effective arguments.
    var mayReject = false

    /// What `HolderTable` says of it.
    var holder: UInt32 {
        switch durability {
        case .memory: 0
        case .flush: journalNumber == 0 ? 0 : journalNumber | HolderTable.flushBit
        case .sync: journalNumber == 0 || type != .quorum ? journalNumber : journalNumber | HolderTable.quorumBit
        }
    }

    var durable: DurableQueue {
        DurableQueue(
            name: name, journalNumber: journalNumber, isAutoDelete: isAutoDelete, arguments: arguments,
            isPaused: isPaused)
    }
}
