/// What can be counted of a queue, or of several together.
package struct QueueFigures: Sendable, Equatable {
    /// `messages_ready`.
    package var readyCount = 0
    /// `messages_unacknowledged`.
    package var unackedCount = 0
    /// Messages that came back and wait until they are tried again: neither ready nor unacked.
    package var delayedCount = 0
    /// `messages_paged_out`: ready, and not in memory.
    package var pagedOutCount = 0
    /// `message_bytes_ready`: bytes of the bodies, as all that follow.
    package var readyByteCount = 0
    /// `message_bytes_unacknowledged`.
    package var unackedByteCount = 0
    /// `message_bytes_paged_out`: about, since of what is not in memory only whole messages' sizes are known.
    package var pagedOutByteCount = 0
    /// `messages_persistent`: of a durable queue, ready and unacked.
    package var persistentCount = 0
    /// `message_bytes_persistent`.
    package var persistentByteCount = 0
    /// `memory`: bytes that the queue takes, with the messages that it has in memory (each queue that holds a message
    /// counts it).
    package var memoryByteCount = 0
    /// `consumers`.
    package var consumerCount = 0
    /// `consumer_capacity`, `consumer_utilisation`: how much of the time some consumer could take a message, 0 to 1; as
    /// sampled, the more recent the weightier. 0 without consumers.
    package var consumerCapacity = 0.0

    package init() {}

    /// `messages`.
    package var messageCount: Int { readyCount + unackedCount + delayedCount }
    /// `message_bytes`.
    package var messageByteCount: Int { readyByteCount + unackedByteCount }
    /// `messages_ready_ram`.
    package var residentReadyCount: Int { readyCount - pagedOutCount }
    /// `messages_ram`.
    package var residentCount: Int { residentReadyCount + unackedCount + delayedCount }
    /// `message_bytes_ram`.
    package var residentByteCount: Int { messageByteCount - pagedOutByteCount }
}

extension QueueFigures {
    package static func += (left: inout QueueFigures, right: QueueFigures) {
        left.readyCount += right.readyCount
        left.unackedCount += right.unackedCount
        left.delayedCount += right.delayedCount
        left.pagedOutCount += right.pagedOutCount
        left.readyByteCount += right.readyByteCount
        left.unackedByteCount += right.unackedByteCount
        left.pagedOutByteCount += right.pagedOutByteCount
        left.persistentCount += right.persistentCount
        left.persistentByteCount += right.persistentByteCount
        left.memoryByteCount += right.memoryByteCount
        left.consumerCount += right.consumerCount
        left.consumerCapacity += right.consumerCapacity
    }

    package static func + (left: QueueFigures, right: QueueFigures) -> QueueFigures {
        var sum = left
        sum += right
        return sum
    }
}

/// Several queues together.
package struct QueueSums: Sendable, Equatable {
    package var queueCount = 0
    package var figures = QueueFigures()

    package init() {}
}
