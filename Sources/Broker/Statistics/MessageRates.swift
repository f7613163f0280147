/// How fast `MessageCounters` rise, a second: RabbitMQ's `*_details.rate`.
package struct MessageRates: Sendable, Equatable {
    package var publish = 0.0
    package var confirm = 0.0
    package var deliver = 0.0
    package var deliverNoAck = 0.0
    package var get = 0.0
    package var getNoAck = 0.0
    package var getEmpty = 0.0
    package var redeliver = 0.0
    package var ack = 0.0
    package var returnUnroutable = 0.0
    package var dropUnroutable = 0.0
    package var diskReads = 0.0
    package var diskWrites = 0.0

    package init() {}

    /// - Parameter counters: by how much they rose in that time.
    package init(_ counters: MessageCounters, seconds: Double) {
        guard seconds > 0 else { return }
        func rate(_ count: UInt64) -> Double { Double(Int64(bitPattern: count)) / seconds }
        publish = rate(counters.publish)
        confirm = rate(counters.confirm)
        deliver = rate(counters.deliver)
        deliverNoAck = rate(counters.deliverNoAck)
        get = rate(counters.get)
        getNoAck = rate(counters.getNoAck)
        getEmpty = rate(counters.getEmpty)
        redeliver = rate(counters.redeliver)
        ack = rate(counters.ack)
        returnUnroutable = rate(counters.returnUnroutable)
        dropUnroutable = rate(counters.dropUnroutable)
        diskReads = rate(counters.diskReads)
        diskWrites = rate(counters.diskWrites)
    }

    package static func + (left: MessageRates, right: MessageRates) -> MessageRates {
        var sum = left
        sum.publish += right.publish
        sum.confirm += right.confirm
        sum.deliver += right.deliver
        sum.deliverNoAck += right.deliverNoAck
        sum.get += right.get
        sum.getNoAck += right.getNoAck
        sum.getEmpty += right.getEmpty
        sum.redeliver += right.redeliver
        sum.ack += right.ack
        sum.returnUnroutable += right.returnUnroutable
        sum.dropUnroutable += right.dropUnroutable
        sum.diskReads += right.diskReads
        sum.diskWrites += right.diskWrites
        return sum
    }

    /// `deliver_get`.
    package var deliverGet: Double { deliver + deliverNoAck + get + getNoAck }
}

/// How fast `ExchangeCounters` rise, a second.
package struct ExchangeRates: Sendable, Equatable {
    package var publishIn = 0.0
    package var publishOut = 0.0

    package init() {}

    package init(_ counters: ExchangeCounters, seconds: Double) {
        publishIn = Double(counters.publishIn) / seconds
        publishOut = Double(counters.publishOut) / seconds
    }

    package static func + (left: ExchangeRates, right: ExchangeRates) -> ExchangeRates {
        var sum = left
        sum.publishIn += right.publishIn
        sum.publishOut += right.publishOut
        return sum
    }
}

/// How fast a queue's lengths change, a second.
package struct LengthRates: Sendable, Equatable {
    /// `messages_ready_details`.
    package var ready = 0.0
    /// `messages_unacknowledged_details`.
    package var unacked = 0.0

    package init() {}

    package init(ready: Double, unacked: Double) {
        self.ready = ready
        self.unacked = unacked
    }

    /// `messages_details`.
    package var messages: Double { ready + unacked }
}

/// What an object's counters were at the latest samples, the latest first: RabbitMQ's `samples`.
package struct SampleSeries: Sendable, Equatable {
    /// When, in milliseconds since 1970.
    package var milliseconds: [UInt64] = []
    package var counters: [MessageCounters] = []
    /// Of a queue.
    package var ready: [UInt64] = []
    package var unacked: [UInt64] = []
    /// Bytes, of a connection.
    package var received: [UInt64] = []
    package var sent: [UInt64] = []

    package init() {}
}
