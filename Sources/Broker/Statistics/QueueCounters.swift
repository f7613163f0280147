/// What a queue counts beyond what it knows anyway.
struct QueueCounters {
    var deliver: UInt64 = 0
    var deliverNoAck: UInt64 = 0
    var get: UInt64 = 0
    var getNoAck: UInt64 = 0
    var getEmpty: UInt64 = 0
    var redeliver: UInt64 = 0
    /// Deliveries that were settled in another way than by an ack.
    var returned: UInt64 = 0
    /// Messages that were there before the node was started.
    var recovered: UInt64 = 0
    var diskReads: UInt64 = 0
    var diskWrites: UInt64 = 0
}

extension QueueState {
    /// Places are given to what is accepted; and what was delivered to be acked, and is neither unacked nor back, was
    /// acked.
    var messageCounters: MessageCounters {
        var messages = MessageCounters()
        messages.publish = latestPlace &- counters.recovered
        messages.deliver = counters.deliver
        messages.deliverNoAck = counters.deliverNoAck
        messages.get = counters.get
        messages.getNoAck = counters.getNoAck
        messages.getEmpty = counters.getEmpty
        messages.redeliver = counters.redeliver
        messages.diskReads = counters.diskReads
        messages.diskWrites = counters.diskWrites
        messages.ack = counters.deliver &+ counters.get &- counters.returned &- UInt64(truncatingIfNeeded: unackedCount)
        return messages
    }

    /// Messages of it were read from the disk.
    mutating func noteDiskReads(_ count: Int) {
        counters.diskReads &+= UInt64(count)
        typeCounters.pointee.diskReads &+= UInt64(count)
    }

    /// Messages of it go to the disk.
    mutating func noteDiskWrites(_ count: Int) {
        counters.diskWrites &+= UInt64(count)
        typeCounters.pointee.diskWrites &+= UInt64(count)
    }

    /// A delivery without acks found its channel gone: nobody has got it.
    mutating func uncount(_ entry: QueueEntry, isGet: Bool) {
        if isGet { counters.getNoAck &-= 1 } else { counters.deliverNoAck &-= 1 }
        if entry.isRedelivered { counters.redeliver &-= 1 }
    }
}
