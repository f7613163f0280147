import Routing

/// When a message expires that has an expiration of its own.
///
/// A message that has left the queue meanwhile, or has gone to a consumer, keeps its entry until its time comes;
/// whoever takes it finds nothing at the place.
struct MessageDeadline: HeapElement {
    /// Since 1970.
    let milliseconds: UInt64
    let place: UInt64
    let level: UInt8

    /// Those that are due at once expire in the order of the queue.
    func precedes(_ other: MessageDeadline) -> Bool {
        milliseconds != other.milliseconds ? milliseconds < other.milliseconds : place < other.place
    }
}

/// When a shard has to look at a queue.
struct QueueDeadline: HeapElement {
    /// Since 1970.
    let milliseconds: UInt64
    let queue: QueueAddress

    func precedes(_ other: QueueDeadline) -> Bool { milliseconds < other.milliseconds }
}
