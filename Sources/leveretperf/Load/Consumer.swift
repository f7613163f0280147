import AMQPWire
import Glibc

/// A consuming connection on its loop. Of a delivery it looks at frame types, sizes and the delivery tag, and at the
/// body only where that carries something.
final class Consumer {
    static let inputByteCount = 256 << 10
    /// Above so many bytes of acks that the broker has not read, nothing more is read from it.
    private static let ackByteLimit = 256 << 10

    let session: BrokerSession
    private let channelLimit: UInt16
    private let acknowledgement: Acknowledgement
    private let body: BodyReader?
    private let input: UnsafeMutableRawPointer
    private var inputCount = 0
    private var output = OutboundBuffer()
    private var outputOffset = 0
    /// What is left of a frame that is larger than what was read: payload and end marker.
    private var frameRest = 0
    /// What is left of the current message's body.
    private var bodyRest = 0
    private var channel: UInt16 = 0
    private var deliveryTag: UInt64 = 0
    /// By channel: deliveries since the last ack.
    private let unacked: UnsafeMutablePointer<Int32>
    private(set) var consumed = 0
    private(set) var redelivered = 0

    var isReadable = true
    var isWritable = true

    init(_ session: BrokerSession, _ plan: LoadPlan, body: BodyReader?) {
        self.session = session
        self.body = body
        acknowledgement = plan.acknowledgement
        input = .allocate(byteCount: Self.inputByteCount, alignment: 64)
        unacked = .allocate(capacity: 65536)
        unacked.initialize(repeating: 0, count: plan.channels + 1)
        channelLimit = UInt16(plan.channels)
    }

    deinit {
        input.deallocate()
        unacked.deallocate()
        output.deallocate()
    }

    /// Whether it does not read before the broker has read its acks.
    var isHeldBack: Bool { output.count - outputOffset > Self.ackByteLimit }

    /// Reads once and takes what came. Returns whether there may be more.
    func read(_ control: RunControl) throws(PerfError) -> Bool {
        if isHeldBack { return false }
        let room = Self.inputByteCount - inputCount
        let count = recv(session.descriptor, input + inputCount, room, 0)
        if count < 0 {
            if errno == EAGAIN || errno == EINTR { return false }
            throw PerfError(.broker, "the broker ended a consumer's connection: \(SystemError.text(errno))")
        }
        guard count > 0 else { throw PerfError(.broker, "the broker ended a consumer's connection without a word") }
        inputCount += count
        body?.beginRead(at: MonotonicClock.nanoseconds)
        try scan()
        return count == room
    }

    private func scan() throws(PerfError) {
        var position = 0
        let end = inputCount
        while true {
            if frameRest > 0 {
                let count = min(frameRest, end - position)
                // The last byte is the end marker, not the body's.
                body?.take(input + position, min(count, frameRest - 1))
                position += count
                frameRest -= count
                guard frameRest == 0 else { break }
                try endBodyFrame(position)
                continue
            }
            guard end - position >= Frame.headByteCount else { break }
            let frame = input + position
            let type = frame.load(as: UInt8.self)
            let size = Int(UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: 3, as: UInt32.self)))
            if type == Frame.body {
                guard size <= bodyRest else { throw BrokerFailure.malformed }
                // A stamp is looked at whole.
                if let body, !body.canBegin(with: end - position - Frame.headByteCount, of: size) { break }
                bodyRest -= size
                frameRest = size + 1
                position += Frame.headByteCount
                continue
            }
            guard size + Frame.overheadByteCount <= Self.inputByteCount else { throw BrokerFailure.malformed }
            guard end - position >= size + Frame.overheadByteCount else { break }
            guard frame.load(fromByteOffset: size + 7, as: UInt8.self) == Frame.end else {
                throw BrokerFailure.malformed
            }
            position += size + Frame.overheadByteCount
            try take(frame, type, size)
        }
        if position > 0, position < end { memmove(input, input + position, end - position) }
        inputCount = end - position
    }

    @inline(__always)
    private func endBodyFrame(_ position: Int) throws(PerfError) {
        guard input.load(fromByteOffset: position - 1, as: UInt8.self) == Frame.end else {
            throw BrokerFailure.malformed
        }
        if bodyRest == 0 { complete() }
    }

    /// A method or header frame, whole.
    @inline(__always)
    private func take(_ frame: UnsafeMutableRawPointer, _ type: UInt8, _ size: Int) throws(PerfError) {
        if type == Frame.header {
            guard size >= 14 else { throw BrokerFailure.malformed }
            let bodySize = UInt64(bigEndian: frame.loadUnaligned(fromByteOffset: 11, as: UInt64.self))
            guard bodySize <= UInt64(Int32.max) else { throw BrokerFailure.malformed }
            bodyRest = Int(bodySize)
            body?.begin(byteCount: bodyRest)
            if bodyRest == 0 { complete() }
            return
        }
        guard type == Frame.method, size >= 4 else {
            if type == Frame.heartbeat { return }
            throw BrokerFailure.malformed
        }
        guard frame.loadUnaligned(fromByteOffset: 7, as: UInt32.self) == UInt32(60 << 16 | 60).bigEndian else {
            let number = UInt16(bigEndian: frame.loadUnaligned(fromByteOffset: 1, as: UInt16.self))
            let payload = UnsafeRawBufferPointer(start: frame + 7, count: size)
            _ = try ControlFrames.handle(channel: number, payload: payload, output: &output)
            return
        }
        let tagCount = Int(frame.load(fromByteOffset: 11, as: UInt8.self))
        channel = UInt16(bigEndian: frame.loadUnaligned(fromByteOffset: 1, as: UInt16.self))
        guard size >= 5 + tagCount + 11, channel <= channelLimit else { throw BrokerFailure.malformed }
        deliveryTag = UInt64(bigEndian: frame.loadUnaligned(fromByteOffset: 12 + tagCount, as: UInt64.self))
        let isRedelivered = frame.load(fromByteOffset: 20 + tagCount, as: UInt8.self) & 1 != 0
        if isRedelivered { redelivered += 1 }
        body?.beginDelivery(consumerTag: UnsafeRawPointer(frame + 12), count: tagCount, isRedelivered: isRedelivered)
    }

    @inline(__always)
    private func complete() {
        consumed += 1
        body?.complete()
        switch acknowledgement {
        case .auto: break
        case .each: writeAck(multiple: false)
        case .multiple(let limit):
            unacked[Int(channel)] += 1
            if unacked[Int(channel)] >= Int32(limit) {
                unacked[Int(channel)] = 0
                writeAck(multiple: true)
            }
        }
    }

    @inline(__always)
    private func writeAck(multiple: Bool) {
        let ack = output.reserve(21)
        ack.storeBytes(of: Frame.method, as: UInt8.self)
        (ack + 1).storeBytes(of: channel.bigEndian, as: UInt16.self)
        (ack + 3).storeBytes(of: UInt32(13).bigEndian, as: UInt32.self)
        (ack + 7).storeBytes(of: UInt32(60 << 16 | 80).bigEndian, as: UInt32.self)
        (ack + 11).storeBytes(of: deliveryTag.bigEndian, as: UInt64.self)
        (ack + 19).storeBytes(of: multiple ? 1 : 0, as: UInt8.self)
        (ack + 20).storeBytes(of: Frame.end, as: UInt8.self)
        output.advance(21)
    }

    var hasOutput: Bool { !output.isEmpty }

    /// Writes the acks of what was read. Returns whether all are gone.
    func write() throws(PerfError) -> Bool {
        guard let base = output.base, !output.isEmpty else { return true }
        let count = send(session.descriptor, base + outputOffset, output.count - outputOffset, Int32(MSG_NOSIGNAL))
        if count < 0 {
            if errno == EAGAIN || errno == EINTR { return false }
            // Why it went stands in what it sent before.
            let code = errno
            let received = recv(session.descriptor, input + inputCount, Self.inputByteCount - inputCount, 0)
            if received > 0 {
                inputCount += received
                try scan()
            }
            throw PerfError(.broker, "the broker ended a consumer's connection: \(SystemError.text(code))")
        }
        outputOffset += count
        guard outputOffset == output.count else { return false }
        output.removeAll()
        outputOffset = 0
        return true
    }

    /// Appends a method, for the loop to write.
    func append(_ method: Method, on channel: UInt16) { method.writeFrame(channel: channel, to: &output) }
}
