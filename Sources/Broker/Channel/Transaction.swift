import Routing

/// What was published and settled on a channel since tx.select, or since the last tx.commit or tx.rollback.
///
/// Publishes are checked and routed when they come, and delivered by the commit, in their order; then the settlements
/// are done, in theirs.
struct Transaction {
    struct Publish {
        let message: Message
        /// It is mandatory and leads to no queue.
        let isReturned: Bool
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
    /// The message that is being published reaches exchanges that remember it, but no queue.
    var leadsNowhere = false
    /// What the publishes keep in memory.
    private(set) var byteCount = 0

    /// Takes over the caller's reference to the message.
    mutating func publish(_ message: Message, isMandatory: Bool, to routes: RouteBuffer) {
        for target in 0..<routes.count { targets.append(routes[target]) }
        publishes.append(
            Publish(
                message: message, isReturned: isMandatory && (leadsNowhere || routes.isEmpty),
                targetEnd: targets.count))
        leadsNowhere = false
        byteCount +=
            message.byteCount + MemoryLayout<Publish>.stride + routes.count * MemoryLayout<QueueAddress>.stride
    }

    mutating func settle(_ delivery: UnackedDelivery, _ outcome: Outcome) {
        settlements.append(Settlement(delivery: delivery, outcome: outcome))
    }
}
