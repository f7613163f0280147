import AMQPWire
import Broker

/// Bytes on their way in one direction.
struct SimulatedStream {
    private var bytes: [UInt8] = []
    private var start = 0
    /// How many were ever written, and read.
    private(set) var writtenCount = 0
    var readCount: Int { writtenCount - count }

    var count: Int { bytes.count - start }

    mutating func write(_ added: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: added)
        writtenCount += added.count
    }

    mutating func read(_ limit: Int) -> [UInt8] {
        let end = start + min(count, limit)
        let taken = Array(bytes[start..<end])
        start = end
        if start > 65536 || start == bytes.count {
            bytes.removeFirst(start)
            start = 0
        }
        return taken
    }

    /// What has not been read yet is lost.
    mutating func lose() {
        writtenCount -= count
        bytes = []
        start = 0
    }
}

/// One connection between a simulated client and a shard.
final class SimulatedSocket {
    let shard: Int
    let address: ConnectionAddress
    var toBroker = SimulatedStream()
    var toClient = SimulatedStream()
    /// Above so many unread bytes the socket takes no more; NIO's high-water mark.
    let highWaterMark: Int
    /// The client does not read at all for a while.
    var isStuck = false
    var isWritable = true
    var isReadingPaused = false
    /// The client is gone; the broker has yet to notice.
    var clientHasEnded = false
    /// The broker closes the socket once the client has read what is written.
    var brokerCloses = false
    /// The broker has been told of the end.
    var hasEnded = false

    init(shard: Int, address: ConnectionAddress, highWaterMark: Int) {
        self.shard = shard
        self.address = address
        self.highWaterMark = highWaterMark
    }
}
