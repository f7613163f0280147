/// What the queues of each type count together: each queue knows where its own is.
struct QueueTypeCounters {
    let classic: UnsafeMutablePointer<MessageCounters>
    let quorum: UnsafeMutablePointer<MessageCounters>

    init() {
        classic = .allocate(capacity: 1)
        classic.initialize(to: MessageCounters())
        quorum = .allocate(capacity: 1)
        quorum.initialize(to: MessageCounters())
    }

    subscript(type: QueueType) -> UnsafeMutablePointer<MessageCounters> { type == .quorum ? quorum : classic }

    func deallocate() {
        classic.deallocate()
        quorum.deallocate()
    }
}
