import AMQPWire
import Broker

/// A broker of two shards and two connections to it, fed with anything.
///
/// The input is a list of steps: a byte that says which connection and how, a length byte, and that many bytes.
///
///     bit 0     connection
///     bit 1     the bytes become the payload of a well-formed frame: type 1 to 3 by bits 2-3, channel by bit 4
///     otherwise they are sent as they are
///     bit 5     the turn ends before they are sent, else they join the last bytes of the same turn
///     bit 6     time passes
///     bit 7     the connection's socket ends and a new one begins, its handshake done
///
/// Nothing may trap; at the end every connection and queue goes, and nothing may be left in memory.
package func fuzzConnection(_ bytes: UnsafeRawBufferPointer) {
    var broker = FuzzedBroker()
    var reader = WireReader(bytes)
    while let step = try? reader.readUInt8(), let length = try? reader.readUInt8() {
        let count = min(Int(length), reader.remainingCount)
        guard let chunk = try? reader.readBytes(count) else { break }
        broker.take(step, chunk)
    }
    broker.end()
}

private struct FuzzedBroker {
    private var shards: [ShardState]
    private var connections: [ConnectionAddress?] = [nil, nil]
    private var milliseconds: UInt64 = 1_000

    init() {
        let settings = BrokerSettings()
        let controlPlane = ControlPlane(shardCount: 2, virtualHost: "/")
        shards = (0..<2).map {
            ShardState(
                index: $0, shardCount: 2, settings: settings, controlPlane: controlPlane, seed: [1, 2, 3, UInt64($0)],
                now: Moment(monotonicMilliseconds: 1_000, wallSeconds: 1))
        }
        for index in 0..<2 { connect(index) }
    }

    mutating func take(_ step: UInt8, _ chunk: UnsafeRawBufferPointer) {
        let index = Int(step & 1)
        if step & 0x40 != 0 {
            milliseconds += UInt64(chunk.count) * 100
            for shard in shards {
                shard.now = Moment(monotonicMilliseconds: milliseconds, wallSeconds: 1)
                shard.tick()
            }
        }
        if step & 0x80 != 0 {
            if let address = connections[index] { shards[index].connectionEnded(address) }
            connect(index)
        }
        if step & 0x20 != 0 { settle() }
        guard let address = connections[index] else { return }
        if step & 2 == 0 {
            shards[index].receive(address, chunk)
        } else {
            var buffer = OutboundBuffer()
            buffer.write(UInt8(1 + (step >> 2) & 3))
            buffer.write(UInt16(1 + (step >> 4) & 1))
            buffer.write(UInt32(chunk.count))
            buffer.write(bytes: chunk)
            buffer.write(Frame.end)
            shards[index].receive(address, buffer.bytes)
            buffer.deallocate()
        }
    }

    /// A new connection with two open channels.
    private mutating func connect(_ index: Int) {
        let address = shards[index].openConnection(Peer(name: "fuzz", isLoopback: true))
        connections[index] = address
        var buffer = OutboundBuffer()
        defer { buffer.deallocate() }
        for byte in Array("AMQP".utf8) + [0, 0, 9, 1] { buffer.write(byte) }
        ConnectionStartOk(
            clientProperties: ["capabilities": .table(["consumer_cancel_notify": .bool(true)])], mechanism: "PLAIN",
            response: Array("\0guest\0guest".utf8), locale: "en_US"
        ).writeFrame(channel: 0, to: &buffer)
        ConnectionTuneOk(channelMax: 2047, frameMax: 131_072, heartbeat: 10).writeFrame(channel: 0, to: &buffer)
        ConnectionOpen(virtualHost: "/").writeFrame(channel: 0, to: &buffer)
        for channel in 1...2 as ClosedRange<UInt16> { ChannelOpen().writeFrame(channel: channel, to: &buffer) }
        shards[index].receive(address, buffer.bytes)
        settle()
    }

    /// Turns and batches until nothing comes out any more.
    private mutating func settle() {
        var isBusy = true
        var rounds = 0
        while isBusy {
            isBusy = false
            rounds += 1
            precondition(rounds < 10_000, "the shards never come to rest")
            for (index, shard) in shards.enumerated() {
                shard.finishTurn()
                while let address = shard.takeListedConnection() {
                    if let output = shard.takeOutput(address) {
                        checkFrames(UnsafeRawBufferPointer(rebasing: output.memory[..<output.count]))
                        output.memory.deallocate()
                        isBusy = true
                    }
                    if shard.closesNow(address) { end(index, address) }
                }
                if let batch = shard.takeBatch(for: 1 - index) {
                    shards[1 - index].receiveBatch(batch)
                    isBusy = true
                }
                if shard.hasUnfinishedWork { isBusy = true }
                shard.notes.removeAll()
            }
        }
    }

    private mutating func end(_ index: Int, _ address: ConnectionAddress) {
        shards[index].connectionEnded(address)
        if connections[index] == address { connections[index] = nil }
    }

    /// What goes to clients must be frames, whole, and a protocol header at the most.
    private func checkFrames(_ bytes: UnsafeRawBufferPointer) {
        var reader = WireReader(bytes)
        while reader.remainingCount > 0 {
            if reader.remaining.starts(with: "AMQP".utf8) {
                _ = try? reader.readBytes(8)
                continue
            }
            guard let type = try? reader.readUInt8(), (try? reader.readUInt16()) != nil,
                let size = try? reader.readUInt32(), let payload = try? reader.readBytes(Int(size)),
                (try? reader.readUInt8()) == Frame.end
            else { fatalError("broken frames for a client") }
            guard type == Frame.method else { continue }
            var method = WireReader(payload)
            precondition((try? Method.decode(&method)) != nil, "a method that no client can read")
        }
    }

    mutating func end() {
        settle()
        for index in 0..<2 {
            if let address = connections[index] { end(index, address) }
        }
        settle()
        for shard in shards { shard.deleteAllQueues() }
        settle()
        for shard in shards {
            precondition(shard.inspection == ShardInspection(), "left at the end: \(shard.inspection)")
        }
        for shard in shards { shard.deallocate() }
    }
}
