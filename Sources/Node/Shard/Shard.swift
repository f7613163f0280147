import AMQPWire
import Broker
import Logging
import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A shard's shell: one event loop that feeds `ShardState` and carries out what it wants.
///
/// Everything but `inbox`, `load`, `deliver(_:)` and `setAlarms(_:)` belongs to the event loop.
final class Shard: @unchecked Sendable {
    let index: Int
    let eventLoop: any EventLoop
    let load = ShardLoad()
    let receiveMemory = ReceiveMemory()
    private let inbox = Inbox()
    private let logger: Logger
    /// The node touches it before the shard is started, to recover; from then on only the event loop does.
    let state: ShardState
    /// By the connection's slot.
    private var handlers: [ConnectionHandler?] = []
    /// Those of direct connections, by the connection's slot.
    private var directLinks: [UInt32: DirectLink] = [:]
    private var peers: [Shard] = []
    private var storage: Storage?
    private var reportedMemoryByteCount = 0
    private var isTurnScheduled = false
    /// When the load was last sampled.
    private var sampledMilliseconds: UInt64 = 0
    private var ticking: RepeatedTask?
    private let cpuLatencyLimit: CPULatencyLimit?
    /// As of the last tick.
    private var tickedMessages = MessageCounters()
    /// The earliest deadline of the engine for which a turn is scheduled, in milliseconds since 1970.
    private var metDeadline: UInt64?

    /// Who waits for the state's lane of the journal.
    private var stateWaiters: [(position: UInt64, waiter: CheckedContinuation<Bool, Never>)] = []
    private var hasStopped = false

    private static let tickMilliseconds: Int64 = 250
    /// Rounds of deliveries a turn may make while sockets keep up with them, before others have theirs.
    private static let roundsPerTurn = 4

    init(
        index: Int, eventLoop: any EventLoop, state: ShardState, cpuLatencyLimit: CPULatencyLimit?, logger: Logger
    ) {
        self.index = index
        self.eventLoop = eventLoop
        self.state = state
        self.cpuLatencyLimit = cpuLatencyLimit
        self.logger = logger
    }

    func start(peers: [Shard], storage: Storage) {
        eventLoop.preconditionInEventLoop()
        self.peers = peers
        self.storage = storage
        ticking = eventLoop.scheduleRepeatedTask(
            initialDelay: .milliseconds(Self.tickMilliseconds), delay: .milliseconds(Self.tickMilliseconds)
        ) { [unowned self] _ in
            load.sampleTick(thread: Clock.threadNanoseconds, wall: Clock.monotonicNanoseconds)
            state.now = Clock.now
            state.tick()
            if let cpuLatencyLimit { tick(cpuLatencyLimit) }
            for case let handler? in handlers { handler.closeIfOverdue(state.now) }
            finishTurn()
        }
    }

    private func tick(_ limit: CPULatencyLimit) {
        let messages = state.statistics.messages
        limit.tick(hadMessages: messages != tickedMessages, milliseconds: state.now.monotonicMilliseconds)
        tickedMessages = messages
    }

    // MARK: Connections

    func open(_ handler: ConnectionHandler, _ peer: Peer) -> ConnectionAddress {
        state.now = Clock.now
        let address = state.openConnection(peer)
        while handlers.count <= Int(address.slot) { handlers.append(nil) }
        handlers[Int(address.slot)] = handler
        return address
    }

    func ended(_ address: ConnectionAddress) {
        state.now = Clock.now
        state.connectionEnded(address)
        handlers[Int(address.slot)] = nil
        load.connectionClosed()
        finishTurn()
    }

    @inline(__always)
    func receive(_ address: ConnectionAddress, _ bytes: UnsafeRawBufferPointer) {
        state.now = Clock.now
        state.receive(address, bytes)
    }

    /// A connection without a socket.
    func openDirectConnection(
        _ link: DirectLink, _ peer: Peer, user: ShortString, virtualHost: ShortString
    ) -> Result<Void, DirectError> {
        guard !hasStopped else { return .failure(.unavailable) }
        state.now = Clock.now
        do throws(ProtocolError) {
            let address = try state.openDirectConnection(peer, user: user, virtualHost: virtualHost)
            while handlers.count <= Int(address.slot) { handlers.append(nil) }
            directLinks[address.slot] = link
            link.opened(address)
            return .success(())
        } catch {
            return .failure(DirectError(error))
        }
    }

    func closeDirectConnection(_ address: ConnectionAddress) {
        state.now = Clock.now
        state.closeDirectConnection(address)
        directLinks[address.slot] = nil
        finishTurn()
    }

    /// Answers for an administrative interface; an end that the engine wants.
    private func serve(_ link: DirectLink, _ address: ConnectionAddress) {
        if let output = state.takeOutput(address) {
            link.receive(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output.memory)[..<output.count]))
            free(output.memory.baseAddress)
        }
        if state.closesNow(address) { link.fail(.unavailable) }
    }

    func setWritable(_ address: ConnectionAddress, _ isWritable: Bool) {
        state.setWritable(address, isWritable)
        if isWritable { scheduleTurn() }
    }

    /// What the node is short of from now on. From any thread.
    func setAlarms(_ alarms: ResourceAlarms) {
        perform { $0.setAlarms(alarms) }
    }

    /// A turn of its own for something that comes from another thread.
    private func perform(_ body: @escaping @Sendable (ShardState) -> Void) {
        eventLoop.execute { [self] in
            state.now = Clock.now
            body(state)
            finishTurn()
        }
    }

    // MARK: Turns

    /// Ends a turn and carries out what came of it: one write for each connection, one batch for each shard.
    func finishTurn() {
        state.finishTurn()
        // Before the sockets: the disk is the slower one.
        storage?.serve(state, of: self)
        for _ in 0..<Self.roundsPerTurn {
            guard serveListedConnections() else { break }
            state.finishTurn()
        }
        while let probe = state.takeProbe() { look(at: probe) }
        if let storage { serve(storage) }
        for peer in peers where peer !== self {
            if let batch = state.takeBatch(for: peer.index) { peer.deliver(batch) }
        }
        receiveMemory.endTurn(waitCount: state.awaitedSettlementCount)
        if !state.notes.isEmpty { log() }
        if state.hasUnfinishedWork { scheduleTurn() }
        if let next = state.nextDeadlineMilliseconds { meet(next) }
        if state.now.monotonicMilliseconds != sampledMilliseconds { sampleLoad() }
    }

    private func sampleLoad() {
        sampledMilliseconds = state.now.monotonicMilliseconds
        load.sampleTurn(thread: Clock.threadNanoseconds, wall: Clock.monotonicNanoseconds)
    }

    /// Messages and queues expire on the millisecond, not on the tick.
    private func meet(_ deadline: UInt64) {
        if let metDeadline, metDeadline <= deadline { return }
        let left = Int64(clamping: deadline) - Int64(clamping: state.now.wallMilliseconds)
        // Until then there is a tick, which looks again.
        guard left < Self.tickMilliseconds else { return }
        metDeadline = deadline
        eventLoop.scheduleTask(in: .milliseconds(max(left, 0))) { [unowned self] in
            metDeadline = nil
            state.now = Clock.now
            finishTurn()
        }
    }

    /// What else the turn has for the disk. When memory is scarce, what is far from its turn leaves it.
    private func serve(_ storage: Storage) {
        let byteCount = state.memoryByteCount
        let level = storage.memory.add(byteCount - reportedMemoryByteCount)
        reportedMemoryByteCount = byteCount
        state.isMemoryScarce = level > .enough
        if level > .enough, storage.maySpill, state.pageOut(spillingByteCount: storage.spillingByteCount) {
            scheduleTurn()
        }
        if level == .enough, storage.maySpill { state.pageOutFollowing() }
        state.setMemoryTight(level == .tight)
        storage.serve(state, of: self)
    }

    /// From any thread: a turn of its own for this, and what it gives.
    func run<Result: Sendable>(_ body: @escaping @Sendable (ShardState) -> Result) async -> Result {
        await withCheckedContinuation { waiter in
            perform { state in waiter.resume(returning: body(state)) }
        }
    }

    /// From any thread: something may be possible that was not.
    func wake() { perform { _ in } }

    /// From the journal's thread: those who wait for it may look again.
    func journalAdvanced() {
        perform { [self] state in
            state.journalAdvanced()
            resumeStateWaiters()
        }
    }

    /// From any thread: returns when everything that was changed in the control plane before is on stable storage;
    /// false when the shard has stopped before that.
    func waitUntilStateIsStable() async -> Bool {
        await withCheckedContinuation { waiter in
            perform { [self] state in
                state.followTopology()
                stateWaiters.append((state.controlPlane.statePosition, waiter))
                resumeStateWaiters()
            }
        }
    }

    private func resumeStateWaiters() {
        guard !stateWaiters.isEmpty else { return }
        stateWaiters.removeAll { position, waiter in
            let isStable = state.isStateStable(upTo: position)
            guard hasStopped || isStable else { return false }
            waiter.resume(returning: isStable)
            return true
        }
        if !stateWaiters.isEmpty { state.demandSync() }
    }

    /// From any thread: the control plane has changed.
    func followTopology() { perform { $0.followTopology() } }

    /// From a reading thread: messages that had left memory.
    func receive(_ read: PageRead) { perform { $0.receive(read) } }

    private func look(at probe: Probe) {
        let handler = handlers.indices.contains(Int(probe.holder.slot)) ? handlers[Int(probe.holder.slot)] : nil
        guard let handler, handler.address == probe.holder else {
            state.finish(probe)
            scheduleTurn()
            return
        }
        handler.closeIfPeerHasEnded().whenComplete { [self] _ in
            state.now = Clock.now
            state.finish(probe)
            finishTurn()
        }
    }

    /// Returns whether there was any.
    private func serveListedConnections() -> Bool {
        var hasServed = false
        while let address = state.takeListedConnection() {
            hasServed = true
            guard let handler = handlers[Int(address.slot)] else {
                if let link = directLinks[address.slot] { serve(link, address) }
                continue
            }
            handler.setReading(!state.isReadingPaused(address))
            if let output = state.takeOutput(address) { handler.write(output.memory, count: output.count) }
            if state.closesNow(address) { handler.closeWhenWritten(state.now) }
        }
        return hasServed
    }

    /// Another turn, behind whatever other threads have handed to the event loop. It comes before the sockets: NIO does
    /// what is handed to a loop from within, some thousand tasks at most, before it looks at them again.
    private func scheduleTurn() {
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        eventLoop.execute { [self] in
            isTurnScheduled = false
            finishTurn()
        }
    }

    /// From any thread.
    func deliver(_ batch: MailboxBatch) {
        guard inbox.push(batch) else { return }
        perform { [inbox] state in
            for batch in inbox.takeAll() { state.receiveBatch(batch) }
        }
    }

    private func log() {
        for note in state.notes {
            switch note.level {
            case .debug: logger.debug("\(note.text)")
            case .info: logger.info("\(note.text)")
            case .warning: logger.warning("\(note.text)")
            case .error: logger.error("\(note.text)")
            }
        }
        state.notes.removeAll(keepingCapacity: true)
    }

    // MARK: The end

    /// connection.close with 320 to every client.
    func shutDownConnections() {
        state.now = Clock.now
        for case let handler? in handlers {
            if let address = handler.address { state.shutDown(address) }
        }
        finishTurn()
    }

    func closeConnections() {
        for case let handler? in handlers { handler.close() }
    }

    func stop() {
        ticking?.cancel()
        closeConnections()
        hasStopped = true
        for link in directLinks.values { link.fail(.unavailable) }
        resumeStateWaiters()
    }

    /// After the last connection: what was delivered is noted exactly, for a start that follows in order.
    func finishJournal() {
        state.journalDelivered()
        finishTurn()
    }

    var connectionCount: Int { handlers.count { $0 != nil } }
}
