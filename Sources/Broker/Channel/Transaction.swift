import Routing

/// What was published and settled on a channel since tx.select, or since the last tx.commit or tx.rollback.
///
/// Publishes are checked and routed when they come, and delivered by the commit, in their order; then the settlements
/// are done, in theirs.
struct Transaction {
    struct Publish {
        let message: Message
        let isMandatory: Bool
        /// Where its queues end in `targets`.
        let targetEnd: Int
    }

    struct Settlement {
        let delivery: UnackedDelivery
        let outcome: Outcome
    }

    private(set) var publishes: [Publish] = []
    private(set) var targets: [QueueAddress] = []
    private(set) var settlements: [Settlement] = []
    /// What the publishes keep in memory.
    private(set) var byteCount = 0

    /// Takes over the caller's reference to the message.
    mutating func publish(_ message: Message, isMandatory: Bool, to routes: RouteBuffer) {
        for target in 0..<routes.count { targets.append(routes[target]) }
        publishes.append(Publish(message: message, isMandatory: isMandatory, targetEnd: targets.count))
        byteCount +=
            message.byteCount + MemoryLayout<Publish>.stride + routes.count * MemoryLayout<QueueAddress>.stride
    }

    mutating func settle(_ delivery: UnackedDelivery, _ outcome: Outcome) {
        settlements.append(Settlement(delivery: delivery, outcome: outcome))
    }
}
