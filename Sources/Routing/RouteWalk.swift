/// One route on its way through the exchanges: what it has reached, and the exchanges it still has to pass.
///
/// A queue is marked with the epoch of the result it was put into, an exchange with the number of the walk that met it.
/// So nothing has to be cleared or allocated between messages.
struct RouteWalk {
    let message: RoutedMessage
    let queues: UnsafeMutablePointer<QueueRecord>
    let exchangeMarks: UnsafeMutablePointer<UInt64>
    /// Exchanges met and not yet passed. It has room for every exchange, and each enters at most once.
    let pending: UnsafeMutablePointer<UInt32>
    var pendingCount = 0
    let epoch: UInt64
    let number: UInt64
    var result: RouteBuffer
    /// Whether the exchange that is being passed leads anywhere, also to where this walk has been already.
    var hasMatched = false

    @inline(__always)
    mutating func visit(_ list: TargetList) {
        if let entry = list.single {
            visit(entry.target)
        } else {
            for entry in list.many { visit(entry.target) }
        }
    }

    @inline(__always)
    mutating func visit(_ target: Target) {
        if target.isExchange {
            visitExchange(target.index)
        } else {
            visitQueue(target.index)
        }
    }

    @inline(__always)
    mutating func visitQueue(_ index: UInt32) {
        hasMatched = true
        let queue = queues + Int(index)
        if queue.pointee.mark == epoch { return }
        queue.pointee.mark = epoch
        result.appendUnchecked(queue.pointee.address)
    }

    @inline(__always)
    mutating func visitExchange(_ index: UInt32) {
        hasMatched = true
        let mark = exchangeMarks + Int(index)
        if mark.pointee == number { return }
        mark.pointee = number
        pending[pendingCount] = index
        pendingCount += 1
    }
}

/// A queue as a destination of routes.
struct QueueRecord: BitwiseCopyable {
    var address: QueueAddress
    var mark: UInt64 = 0
    /// Its entry in the table of names; `noIndex` for an exchange's gate.
    var name: UInt32
    /// The first of the bindings that lead to it.
    var bindings: UInt32 = noIndex
}
