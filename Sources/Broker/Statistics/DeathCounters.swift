/// Messages that left their queues without having been consumed, by the reason in `x-death`. Never reset.
package struct DeathCounters: Sendable, Equatable {
    package var rejected: UInt64 = 0
    package var expired: UInt64 = 0
    package var maxlen: UInt64 = 0
    package var deliveryLimit: UInt64 = 0

    mutating func note(_ reason: DeathReason) {
        switch reason {
        case .rejected: rejected &+= 1
        case .expired: expired &+= 1
        case .maxlen: maxlen &+= 1
        case .deliveryLimit: deliveryLimit &+= 1
        }
    }

    package static func + (left: DeathCounters, right: DeathCounters) -> DeathCounters {
        var sum = left
        sum.rejected &+= right.rejected
        sum.expired &+= right.expired
        sum.maxlen &+= right.maxlen
        sum.deliveryLimit &+= right.deliveryLimit
        return sum
    }
}

/// The same by the queues' type, and by what became of the messages: RabbitMQ's label `dead_letter_strategy`.
package struct QueueDeaths: Sendable, Equatable {
    /// Dropped.
    package var classicDisabled = DeathCounters()
    package var quorumDisabled = DeathCounters()
    /// Handed to the dead-letter exchange.
    package var classicAtMostOnce = DeathCounters()
    package var quorumAtMostOnce = DeathCounters()
    package var quorumAtLeastOnce = DeathCounters()

    package static func + (left: QueueDeaths, right: QueueDeaths) -> QueueDeaths {
        var sum = left
        sum.classicDisabled = left.classicDisabled + right.classicDisabled
        sum.quorumDisabled = left.quorumDisabled + right.quorumDisabled
        sum.classicAtMostOnce = left.classicAtMostOnce + right.classicAtMostOnce
        sum.quorumAtMostOnce = left.quorumAtMostOnce + right.quorumAtMostOnce
        sum.quorumAtLeastOnce = left.quorumAtLeastOnce + right.quorumAtLeastOnce
        return sum
    }
}
