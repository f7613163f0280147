import Routing

/// A connection: its shard and its slot there.
package struct ConnectionAddress: Hashable, Sendable, BitwiseCopyable {
    package let slot: UInt32
    package let generation: UInt32
    package let shard: UInt16
}

/// A channel of a connection. The serial tells it from an earlier channel of the same number.
struct ChannelAddress: Hashable, Sendable, BitwiseCopyable {
    let connection: ConnectionAddress
    let number: UInt16
    let serial: UInt32
}

/// A consumer as its queue knows it: slot and serial in the queue's consumer table.
struct ConsumerReference: Hashable, Sendable, BitwiseCopyable {
    let slot: UInt32
    let serial: UInt32

    /// For deliveries that no consumer asked for: basic.get.
    static let none = ConsumerReference(slot: .max, serial: 0)
}

/// A moment, as the shell reads it from its clocks: the engine never does.
package struct Moment: Sendable, Equatable {
    /// From an arbitrary start, never going back.
    package let monotonicMilliseconds: UInt64
    /// Since 1970.
    package let wallMilliseconds: UInt64

    package init(monotonicMilliseconds: UInt64, wallMilliseconds: UInt64) {
        self.monotonicMilliseconds = monotonicMilliseconds
        self.wallMilliseconds = wallMilliseconds
    }

    package init(monotonicMilliseconds: UInt64, wallSeconds: UInt64) {
        self.init(monotonicMilliseconds: monotonicMilliseconds, wallMilliseconds: wallSeconds * 1000)
    }

    package var wallSeconds: UInt64 { wallMilliseconds / 1000 }
}
