import AMQPWire
import Logging
import NIOCore
import Synchronization

/// The state machine, the socket it speaks through, and the tasks that wait for it.
///
/// Everything that is mutable here belongs to `lock`, which is held for one call of the state machine and for carrying
/// out its actions: none of them waits. Bytes leave in one write for each turn of the event loop: whoever has written
/// some asks for a turn, unless one is asked for already.
final class ConnectionCore: @unchecked Sendable {
    typealias Waiter = CheckedContinuation<Reply, any Error>

    /// Publishers wait while this much is written and not sent.
    static let outboundByteLimit = 1 << 20
    /// The socket is not read while this much is delivered and not taken, and nobody waits for an answer.
    static let deliveredByteLimit = 16 << 20
    /// With this much delivered and not taken the connection ends: somebody consumes without acks and without taking.
    static let deliveredByteMax = 1 << 30
    /// Memory of the outbound buffer that is kept for the next turn.
    private static let keptByteCount = 4 << 20
    /// How long the last bytes may take to leave.
    private static let closeSeconds: Int64 = 5

    let options: ConnectionOptions
    let logger: Logger

    let lock = Mutex(())
    var machine: ConnectionStateMachine
    var waiters: [RequestID: Waiter] = [:]
    var lastRequestID: RequestID = 0
    var lastConsumerID: ConsumerID = 0
    var roomWaiters: [RequestID: CheckedContinuation<Void, any Error>] = [:]
    var channels: [ChannelID: ChannelLink] = [:]
    var consumers: [ConsumerID: StreamBuffer<ReceivedMessage>] = [:]
    private var isTurnAsked = false
    private(set) var eventLoop: (any EventLoop)?
    /// The handshake is done.
    var isEstablished = false
    var hasEnded = false
    var blockedText: String?

    // Belong to the event loop.
    private var socket: (any NIOCore.Channel)?
    /// How to stop them.
    private var timers: [() -> Void] = []
    private var isReading = true
    private var hasHeartbeats = false

    /// Delivered and not taken.
    let deliveredByteCount = Atomic<Int>(0)
    let isReadingPaused = Atomic<Bool>(false)

    init(options: ConnectionOptions, logger: Logger) {
        self.options = options
        self.logger = logger
        machine = ConnectionStateMachine(options: options)
    }

    static var now: UInt64 { NIODeadline.now().uptimeNanoseconds / 1_000_000 }
}

// The event loop's side.
extension ConnectionCore {
    /// The socket is connected; `socket`'s event loop calls.
    func attach(_ socket: any NIOCore.Channel) {
        self.socket = socket
        lock.withLock { _ in eventLoop = socket.eventLoop }
        startDeadline(socket.eventLoop)
    }

    private func startDeadline(_ eventLoop: any EventLoop) {
        let deadline = eventLoop.scheduleTask(in: .seconds(Int64(options.connectTimeoutSeconds))) {
            self.lock.withLock { _ in
                self.machine.handshakeTimedOut()
                self.carryOut()
            }
        }
        timers.append { deadline.cancel() }
    }

    /// As soon as the interval is negotiated: not when the task that opens the connection goes on, which may have to
    /// wait for a thread for longer than the broker waits for a heartbeat.
    private func startHeartbeats(everySeconds interval: Int64) {
        hasHeartbeats = true
        guard interval > 0, let socket else { return }
        let quarter = TimeAmount.milliseconds(interval * 250)
        let heartbeat = socket.eventLoop.scheduleRepeatedTask(initialDelay: quarter, delay: quarter) { _ in
            self.lock.withLock { _ in
                self.machine.tick(now: Self.now, isReading: self.isReading)
                self.carryOut()
            }
        }
        timers.append { heartbeat.cancel() }
    }

    private func stopTimers() {
        for cancel in timers { cancel() }
        timers = []
    }

    func receive(_ bytes: UnsafeRawBufferPointer) {
        let negotiated = lock.withLock { _ -> UInt16? in
            machine.receive(bytes, now: Self.now)
            carryOut()
            return machine.phase == .running ? machine.heartbeatSeconds : nil
        }
        if !hasHeartbeats, let negotiated { startHeartbeats(everySeconds: Int64(negotiated)) }
    }

    func socketEnded() {
        lock.withLock { _ in
            machine.connectionLost()
            carryOut()
        }
        socket = nil
        stopTimers()
    }

    /// Sends what is written, and looks whether to read on.
    func finishTurn() {
        guard let socket else { return }
        var bytes: ByteBuffer?
        var room: [CheckedContinuation<Void, any Error>] = []
        let (isEnding, awaitsAnswers) = lock.withLock { _ in
            isTurnAsked = false
            if socket.isWritable || hasEnded { bytes = takeOutbound(socket.allocator) }
            if machine.outbound.count < Self.outboundByteLimit {
                room = Array(roomWaiters.values)
                roomWaiters.removeAll()
            }
            return (hasEnded, !waiters.isEmpty)
        }
        for publisher in room { publisher.resume() }
        if isEnding { return closeSocket(socket, last: bytes) }
        if let bytes { socket.writeAndFlush(bytes, promise: nil) }
        regulateReading(socket, awaitsAnswers: awaitsAnswers)
    }

    private func takeOutbound(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
        guard !machine.outbound.isEmpty else { return nil }
        var buffer = allocator.buffer(capacity: machine.outbound.count)
        buffer.writeBytes(machine.outbound.bytes)
        if machine.outbound.capacity > Self.keptByteCount {
            machine.outbound.deallocate()
        } else {
            machine.outbound.removeAll()
        }
        machine.lastSentAt = Self.now
        return buffer
    }

    private func closeSocket(_ socket: any NIOCore.Channel, last bytes: ByteBuffer?) {
        self.socket = nil
        stopTimers()
        let written = socket.eventLoop.makePromise(of: Void.self)
        socket.writeAndFlush(bytes ?? ByteBuffer(), promise: written)
        let overdue = socket.eventLoop.scheduleTask(in: .seconds(Self.closeSeconds)) { socket.close(promise: nil) }
        written.futureResult.whenComplete { _ in
            overdue.cancel()
            socket.close(promise: nil)
        }
    }

    /// A consumer that takes its deliveries slowly shall slow the broker down, not fill this process; but whoever waits
    /// for an answer must get it, or a consumer that asks something for each delivery would wait for ever.
    private func regulateReading(_ socket: any NIOCore.Channel, awaitsAnswers: Bool) {
        let count = deliveredByteCount.load(ordering: .sequentiallyConsistent)
        if count > Self.deliveredByteMax {
            lock.withLock { _ in
                machine.fail(.tooManyDeliveries(byteCount: count), replyCode: .resourceError)
                carryOut()
            }
            return
        }
        var wanted = awaitsAnswers || count < Self.deliveredByteLimit
        if !wanted, isReading {
            isReadingPaused.store(true, ordering: .sequentiallyConsistent)
            // Between the two looks the consumer may have taken what there was, and seen nothing to wake.
            wanted = deliveredByteCount.load(ordering: .sequentiallyConsistent) < Self.deliveredByteLimit / 2
        }
        if wanted { isReadingPaused.store(false, ordering: .sequentiallyConsistent) }
        guard wanted != isReading else { return }
        isReading = wanted
        try? socket.syncOptions?.setOption(.autoRead, value: wanted)
    }

    /// Somebody took a delivery.
    func took(_ byteCount: Int) {
        let (_, count) = deliveredByteCount.subtract(byteCount, ordering: .sequentiallyConsistent)
        if count < Self.deliveredByteLimit / 2, isReadingPaused.load(ordering: .sequentiallyConsistent) {
            isReadingPaused.store(false, ordering: .sequentiallyConsistent)
            lock.withLock { _ in askForTurn() }
        }
    }

    func askForTurn() {
        guard !isTurnAsked, let eventLoop else { return }
        isTurnAsked = true
        eventLoop.execute { self.finishTurn() }
    }
}
