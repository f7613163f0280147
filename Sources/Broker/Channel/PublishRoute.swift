import AMQPWire
import Routing

/// Where messages with one exchange and routing key go that are published on one channel, and what the shard has to
/// know of the queues there.
///
/// A plain value in memory of its own: whoever lets go of it calls `deallocate`.
struct PublishRoute {
    /// Exchange and routing key as in the frame of `basic.publish`: two short strings with their length bytes.
    private(set) var addressing = UnsafeRawBufferPointer(start: nil, count: 0)
    private var addressingCapacity = 0

    /// nil: the next message has to find its way anew.
    var exchange: ExchangeID?
    /// The route is that of these names while the exchange has this version.
    var version: UInt64 = 0
    var queues = RouteBuffer()
    /// The journal's numbers of the durable queues among them, as `HolderTable` has them without the flag.
    var holders: [UInt32] = []
    /// Whether one of them wants more than `flush`.
    var holdersWantSync = false
    /// Whether one of them is a quorum queue: the message is stored even if it is transient.
    var holdersWantEverything = false
    /// Whether one of the queues may reject, and the publisher is to be told.
    var mayReject = false

    /// The exchange that counts what takes this route.
    var countedExchange: ExchangeCount?
    /// What took it and is not counted there yet.
    var uncountedPublishes: UInt64 = 0

    var exchangeName: UnsafeRawBufferPointer { addressing.addressedExchange }
    var routingKey: UnsafeRawBufferPointer { addressing.addressedKey }

    @inline(__always)
    func leads(_ addressing: UnsafeRawBufferPointer) -> Bool {
        guard addressing.count == self.addressing.count, let one = addressing.baseAddress,
            let other = self.addressing.baseAddress
        else { return false }
        return sameBytes(one, other, addressing.count)
    }

    /// From now on it is that of other names, and not found yet.
    mutating func begin(_ addressing: UnsafeRawBufferPointer) {
        exchange = nil
        var memory = UnsafeMutableRawPointer(mutating: self.addressing.baseAddress)
        if addressing.count > addressingCapacity {
            memory?.deallocate()
            addressingCapacity = (addressing.count + 63) / 64 * 64
            memory = .allocate(byteCount: addressingCapacity, alignment: 8)
        }
        if let memory, let source = addressing.baseAddress {
            memory.copyMemory(from: source, byteCount: addressing.count)
        }
        self.addressing = UnsafeRawBufferPointer(start: memory, count: addressing.count)
    }

    /// Gives up what it found.
    mutating func forgetQueues() {
        exchange = nil
        queues.deallocate()
        holders = []
    }

    mutating func deallocate() {
        addressing.deallocate()
        queues.deallocate()
        holders = []
    }
}
