import AMQPWire
import Routing
import SplitMix

@testable import Broker

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Shards without event loops: sockets are byte queues, mailboxes are lists, and whoever drives it decides what
/// happens next. Each event is a turn of one shard, carried out as `Node/Shard/Shard.swift` does.
final class SimulatedNode {
    let shards: [ShardState]
    let controlPlane: ControlPlane
    private(set) var sockets: [SimulatedSocket] = []
    private var socketsByAddress: [ConnectionAddress: SimulatedSocket] = [:]
    /// Batches by source and target, oldest first.
    private var mail: [[[MailboxBatch]]]
    private var hasUnfinishedWork: [Bool]
    private(set) var probes: [(shard: Int, probe: Probe)] = []
    private(set) var milliseconds: UInt64 = 1000
    /// FNV-1a over everything that was written to clients: two runs of one seed must agree.
    private(set) var transcript: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Called before the broker learns of a socket's end.
    var willEnd: (SimulatedSocket) -> Void = { _ in }

    private static let roundsPerTurn = 4

    init(shardCount: Int, settings: BrokerSettings = BrokerSettings(), random: inout SplitMix64) {
        let controlPlane = ControlPlane(shardCount: shardCount, virtualHost: "/")
        self.controlPlane = controlPlane
        let now = Moment(monotonicMilliseconds: 1000, wallSeconds: 1_700_000_000)
        var seeds: [[UInt64]] = []
        for _ in 0..<shardCount { seeds.append(random.words()) }
        shards = seeds.enumerated().map { index, seed in
            ShardState(
                index: index, shardCount: shardCount, settings: settings, controlPlane: controlPlane, seed: seed,
                now: now)
        }
        mail = Array(repeating: Array(repeating: [], count: shardCount), count: shardCount)
        hasUnfinishedWork = Array(repeating: false, count: shardCount)
    }

    func deallocate() {
        for shard in shards { shard.deallocate() }
    }

    // MARK: Events

    func connect(to shard: Int, highWaterMark: Int = 65536) -> SimulatedSocket {
        var address: ConnectionAddress?
        turn(shard) { address = $0.openConnection(Peer(name: "127.0.0.1:\(sockets.count)", isLoopback: true)) }
        let socket = SimulatedSocket(shard: shard, address: address!, highWaterMark: highWaterMark)
        sockets.append(socket)
        socketsByAddress[socket.address] = socket
        return socket
    }

    /// The broker reads up to `limit` bytes in `reads` reads of one turn.
    func read(_ socket: SimulatedSocket, limit: Int, reads: Int = 1) {
        guard !socket.hasEnded, !socket.isReadingPaused else { return }
        turn(socket.shard) { state in
            for _ in 0..<reads where socket.toBroker.count > 0 {
                socket.toBroker.read(limit).withUnsafeBytes { state.receive(socket.address, $0) }
            }
        }
    }

    /// The client takes up to `limit` bytes.
    func take(_ socket: SimulatedSocket, limit: Int) -> [UInt8] {
        let bytes = socket.toClient.read(limit)
        if !socket.isWritable, !socket.isStuck, socket.toClient.count < socket.highWaterMark / 2 {
            setWritable(socket, true)
        }
        return bytes
    }

    func setStuck(_ socket: SimulatedSocket, _ isStuck: Bool) {
        socket.isStuck = isStuck
        let isWritable = !isStuck && socket.toClient.count <= socket.highWaterMark
        if isWritable != socket.isWritable { setWritable(socket, isWritable) }
    }

    private func setWritable(_ socket: SimulatedSocket, _ isWritable: Bool) {
        guard !socket.hasEnded else { return }
        socket.isWritable = isWritable
        turn(socket.shard) { $0.setWritable(socket.address, isWritable) }
    }

    /// The broker notices that the socket is gone.
    func end(_ socket: SimulatedSocket) {
        guard !socket.hasEnded else { return }
        willEnd(socket)
        socket.hasEnded = true
        socket.toBroker.lose()
        socketsByAddress[socket.address] = nil
        sockets.removeAll { $0 === socket }
        turn(socket.shard) { $0.connectionEnded(socket.address) }
    }

    /// The target takes up to `count` batches of one source.
    func deliverMail(from source: Int, to target: Int, count: Int = .max) {
        let taken = Array(mail[source][target].prefix(count))
        guard !taken.isEmpty else { return }
        mail[source][target].removeFirst(taken.count)
        turn(target) { state in
            for batch in taken { state.receiveBatch(batch) }
        }
    }

    func finishProbe(_ index: Int) {
        let (shard, probe) = probes.remove(at: index)
        if let holder = socketsByAddress[probe.holder], holder.clientHasEnded || holder.brokerCloses { end(holder) }
        turn(shard) { $0.finish(probe) }
    }

    func tick(afterMilliseconds elapsed: UInt64) {
        milliseconds += elapsed
        for shard in shards.indices { turn(shard) { $0.tick() } }
    }

    func continueUnfinishedWork() {
        for shard in shards.indices where hasUnfinishedWork[shard] { turn(shard) { _ in } }
    }

    // MARK: What waits

    var pairsWithMail: [(source: Int, target: Int)] {
        var pairs: [(source: Int, target: Int)] = []
        for source in mail.indices {
            for target in mail[source].indices where !mail[source][target].isEmpty { pairs.append((source, target)) }
        }
        return pairs
    }

    var isQuiet: Bool {
        pairsWithMail.isEmpty && probes.isEmpty && !hasUnfinishedWork.contains(true)
            && sockets.allSatisfy {
                $0.toBroker.count == 0 && $0.toClient.count == 0 && !$0.brokerCloses && !$0.clientHasEnded
            }
    }

    // MARK: The shell's turn

    func turn(_ shard: Int, _ events: (ShardState) -> Void) {
        let state = shards[shard]
        state.now = Moment(
            monotonicMilliseconds: milliseconds, wallSeconds: 1_700_000_000 + milliseconds / 1000)
        events(state)
        state.finishTurn()
        for _ in 0..<Self.roundsPerTurn {
            guard serveListedConnections(of: state) else { break }
            state.finishTurn()
        }
        for target in shards.indices where target != shard {
            if let batch = state.takeBatch(for: target) { mail[shard][target].append(batch) }
        }
        while let probe = state.takeProbe() { probes.append((shard, probe)) }
        state.notes.removeAll()
        hasUnfinishedWork[shard] = state.hasUnfinishedWork
    }

    private func serveListedConnections(of state: ShardState) -> Bool {
        var hasServed = false
        while let address = state.takeListedConnection() {
            hasServed = true
            guard let socket = socketsByAddress[address] else { continue }
            socket.isReadingPaused = state.isReadingPaused(address)
            if let (memory, count) = state.takeOutput(address) {
                let bytes = UnsafeRawBufferPointer(rebasing: memory[..<count])
                for byte in bytes { transcript = (transcript ^ UInt64(byte)) &* 0x100_0000_01B3 }
                if !socket.clientHasEnded { socket.toClient.write(bytes) }
                free(memory.baseAddress)
                if socket.isWritable, socket.toClient.count > socket.highWaterMark {
                    socket.isWritable = false
                    state.setWritable(address, false)
                }
            }
            if state.closesNow(address) { socket.brokerCloses = true }
        }
        return hasServed
    }
}
