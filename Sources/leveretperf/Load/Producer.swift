import AMQPWire
import Glibc

/// A publishing connection on its loop.
final class Producer {
    enum Progress {
        /// There is no more room in the socket.
        case full
        /// It may not publish more now: rate, confirms, or the end.
        case idle
        /// It has published and may go on.
        case more
    }

    static let writeByteCount = 128 << 10

    let index: Int
    let session: BrokerSession
    /// Set before the loop runs, where messages have their times.
    var schedule: Schedule?
    private let ring: MessageRing
    private let startByte: Int
    private let limit: Int
    private let isStamped: Bool
    private let control: RunControl
    private var sentBytes = 0
    /// Messages that carry their stamp already.
    private var stamped = 0
    private var window: ConfirmWindow?
    private let confirmLatencies: LatencyRecorder?
    /// How late messages are handed to the socket.
    private let lags: LatencyRecorder?
    private let input: UnsafeMutableRawPointer
    private static let inputByteCount = 64 << 10
    private var inputCount = 0
    private var output = OutboundBuffer()
    private(set) var blockedCount = 0
    private var isBlocked = false
    /// Set when it may publish no more: as many messages as it has begun.
    private var end: Int?

    var isWritable = true
    var isReadable = true

    init(
        _ index: Int, _ session: BrokerSession, _ plan: LoadPlan, ring: MessageRing, startMessage: Int,
        control: RunControl, confirmLatencies: LatencyRecorder?, lags: LatencyRecorder?
    ) {
        self.index = index
        self.session = session
        self.ring = ring
        self.control = control
        self.confirmLatencies = confirmLatencies
        self.lags = lags
        startByte = startMessage * ring.messageByteCount
        limit = plan.messages(of: index)
        isStamped = plan.isStamped
        window = plan.confirmWindow > 0 ? ConfirmWindow(limit: plan.confirmWindow) : nil
        input = .allocate(byteCount: Self.inputByteCount, alignment: 16)
    }

    deinit {
        input.deallocate()
        output.deallocate()
    }

    /// Messages that were handed to the socket whole.
    var published: Int { sentBytes / ring.messageByteCount }
    /// With the one that was begun.
    private var begun: Int { (sentBytes + ring.messageByteCount - 1) / ring.messageByteCount }
    var confirmed: Int { window?.confirmed ?? 0 }
    var nacked: Int { window?.nacked ?? 0 }
    /// Whether all that it will publish is published, and confirmed if it asked for that.
    var isFinished: Bool {
        let all = end ?? limit
        return published >= all && (window == nil || confirmed >= all)
    }

    /// Whether something else may be written to the socket now.
    var isBetweenMessages: Bool { sentBytes % ring.messageByteCount == 0 }

    /// It ends with the message that it has begun.
    func finish() { end = end ?? min(begun, limit) }

    /// When it next has a message to publish, if only time keeps it from that.
    var nextTime: UInt64? {
        guard let schedule, end == nil, !isBlocked, isWritable else { return nil }
        let next = published
        guard next < limit, next < (window?.allowed ?? Int.max) else { return nil }
        return schedule.time(of: next)
    }

    /// Writes at most one slice of the ring.
    func write(_ now: UInt64) throws(PerfError) -> Progress {
        if !output.isEmpty { try writeAnswers() }
        var allowed = end ?? limit
        if end == nil {
            if isBlocked { return .idle }
            if let schedule { allowed = min(allowed, schedule.dueCount(at: now)) }
            if window != nil { allowed = min(allowed, window?.allowed ?? 0) }
        }
        // A message that was begun goes on whatever happened since.
        allowed = max(allowed, begun)
        let size = ring.messageByteCount
        let (bytes, overflow) = allowed.multipliedReportingOverflow(by: size)
        let target = overflow ? Int.max : bytes
        guard target > sentBytes else { return .idle }
        let start = (startByte + sentBytes) % ring.byteCount
        let count = min(ring.byteCount - start, target - sentBytes, Self.writeByteCount)
        if isStamped || window != nil { stamp(upTo: sentBytes + count, now) }
        let written = send(session.descriptor, ring.base + start, count, Int32(MSG_NOSIGNAL))
        if written < 0 {
            if errno == EAGAIN || errno == EINTR { return .full }
            throw failure(errno)
        }
        sentBytes += written
        if written < count { return .full }
        return sentBytes < target ? .more : .idle
    }

    /// What is about to be written for the first time gets its number and time.
    private func stamp(upTo byte: Int, _ now: UInt64) {
        let size = ring.messageByteCount
        let last = (byte + size - 1) / size
        let startMessage = startByte / size
        while stamped < last {
            let time = schedule?.time(of: stamped) ?? now
            if isStamped {
                let slot = (startMessage + stamped) % ring.messageCount
                Stamp.write(
                    producer: index, number: stamped, time: time &- control.epoch, secret: control.secret,
                    to: ring.base + slot * size + ring.bodyOffset)
            }
            window?.note(stamped, time: time)
            lags?.record(from: time, to: now)
            stamped += 1
        }
    }

    private func writeAnswers() throws(PerfError) {
        // Answers are a few bytes; only between messages may they be written.
        guard isBetweenMessages, let base = output.base else { return }
        let written = send(session.descriptor, base, output.count, Int32(MSG_NOSIGNAL))
        if written < 0 {
            if errno == EAGAIN { return }
            throw failure(errno)
        }
        guard written == output.count else {
            throw PerfError(.broker, "the broker does not read: its own request cannot be answered")
        }
        output.removeAll()
    }

    /// Reads confirms. Returns whether there may be more.
    func read(_ now: UInt64) throws(PerfError) -> Bool {
        let room = Self.inputByteCount - inputCount
        let count = recv(session.descriptor, input + inputCount, room, 0)
        if count < 0 {
            if errno == EAGAIN || errno == EINTR { return false }
            throw failure(errno)
        }
        guard count > 0 else { throw PerfError(.broker, "the broker ended a publisher's connection without a word") }
        inputCount += count
        try scan(now)
        return count == room
    }

    private func scan(_ now: UInt64) throws(PerfError) {
        var position = 0
        while inputCount - position >= Frame.overheadByteCount {
            let frame = input + position
            let size = Int(UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: 3, as: UInt32.self)))
            guard size + Frame.overheadByteCount <= Self.inputByteCount else { throw BrokerFailure.malformed }
            guard inputCount - position >= size + Frame.overheadByteCount else { break }
            guard frame.load(fromByteOffset: size + 7, as: UInt8.self) == Frame.end else {
                throw BrokerFailure.malformed
            }
            position += size + Frame.overheadByteCount
            if frame.load(as: UInt8.self) == Frame.method { try take(frame, size, now) }
        }
        if position > 0, position < inputCount {
            memmove(input, input + position, inputCount - position)
        }
        inputCount -= position
    }

    private func take(_ frame: UnsafeMutableRawPointer, _ size: Int, _ now: UInt64) throws(PerfError) {
        let method = size >= 4 ? UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: 7, as: UInt32.self)) : 0
        let isAck = method == 60 << 16 | 80
        if (isAck || method == 60 << 16 | 120), size == 13 {
            let tag = UInt64(bigEndian: frame.loadUnaligned(fromByteOffset: 11, as: UInt64.self))
            let multiple = frame.load(fromByteOffset: 19, as: UInt8.self) & 1 != 0
            let isKnown =
                window?.settle(
                    tag: tag, multiple: multiple, isNack: !isAck, sent: begun, latencies: confirmLatencies, now: now)
            guard isKnown ?? false else {
                throw PerfError(.broker, "the broker confirmed message \(tag), which was never sent")
            }
            return
        }
        let channel = UInt16(bigEndian: frame.loadUnaligned(fromByteOffset: 1, as: UInt16.self))
        let payload = UnsafeRawBufferPointer(start: frame + 7, count: size)
        switch try ControlFrames.handle(channel: channel, payload: payload, output: &output) {
        case .blocked:
            isBlocked = true
            blockedCount += 1
        case .unblocked: isBlocked = false
        case .none, .answered: break
        }
    }

    /// The broker may have said why before it went: that is worth more than a broken pipe.
    private func failure(_ code: Int32) -> PerfError {
        let count = recv(session.descriptor, input + inputCount, Self.inputByteCount - inputCount, 0)
        if count > 0 {
            inputCount += count
            do { try scan(MonotonicClock.nanoseconds) } catch { return error }
        }
        return PerfError(.broker, "the broker ended a publisher's connection: \(SystemError.text(code))")
    }
}
