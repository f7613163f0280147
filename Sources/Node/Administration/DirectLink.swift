import AMQPWire
import Broker
import NIOCore

/// The shell's end of a direct connection: what would be a socket's handler. Everything belongs to the shard's event
/// loop.
final class DirectLink: @unchecked Sendable {
    typealias Outcome = Result<DirectReply, DirectError>

    private let shard: Shard
    private(set) var address: ConnectionAddress?
    /// The beginning of a frame whose rest is to come.
    private var input: [UInt8] = []
    private var waiter: CheckedContinuation<Outcome, Never>?
    private var timeout: Scheduled<Void>?
    private var failure: DirectError?

    // A message that is coming in
    private var delivery: BasicGetOk?
    private var properties: BasicProperties?
    private var bodyByteCount = 0
    private var body: [UInt8] = []
    private var isReturned = false

    init(shard: Shard) { self.shard = shard }

    func opened(_ address: ConnectionAddress) { self.address = address }

    // MARK: Asking

    /// One question at a time.
    func ask(_ frames: OutboundBuffer, timeout: TimeAmount?, _ waiter: CheckedContinuation<Outcome, Never>) {
        guard let address, failure == nil else {
            waiter.resume(returning: .failure(failure ?? .unavailable))
            return
        }
        precondition(self.waiter == nil, "a direct connection is asked one thing at a time")
        self.waiter = waiter
        if let timeout {
            self.timeout = shard.eventLoop.scheduleTask(in: timeout) { [self] in finish(.failure(.timedOut)) }
        }
        shard.receive(address, frames.bytes)
        shard.finishTurn()
    }

    /// What needs no answer.
    func tell(_ frames: OutboundBuffer) {
        guard let address, failure == nil else { return }
        shard.receive(address, frames.bytes)
        shard.finishTurn()
    }

    private func finish(_ outcome: Outcome) {
        timeout?.cancel()
        timeout = nil
        let waiter = waiter
        self.waiter = nil
        waiter?.resume(returning: outcome)
    }

    /// The connection is gone, or goes.
    func fail(_ error: DirectError) {
        if failure == nil { failure = error }
        finish(.failure(error))
    }

    func close() {
        guard let address else { return }
        self.address = nil
        fail(.unavailable)
        shard.closeDirectConnection(address)
    }

    // MARK: Answers

    /// Frames from the engine.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        input += bytes
        var position = 0
        while input.count - position >= Frame.headByteCount {
            let size = input[(position + 3)..<(position + 7)].reduce(0) { $0 << 8 | Int($1) }
            let end = position + Frame.headByteCount + size + 1
            guard end <= input.count else { break }
            let channel = UInt16(input[position + 1]) << 8 | UInt16(input[position + 2])
            let type = input[position]
            let payload = Array(input[(position + Frame.headByteCount)..<(end - 1)])
            position = end
            payload.withUnsafeBytes { receiveFrame(type: type, channel: channel, $0) }
        }
        input.removeFirst(position)
    }

    private func receiveFrame(type: UInt8, channel: UInt16, _ payload: UnsafeRawBufferPointer) {
        var reader = WireReader(payload)
        do throws(WireError) {
            switch type {
            case Frame.method: receive(try Method.decode(&reader))
            case Frame.header:
                _ = try reader.readUInt32()
                bodyByteCount = Int(clamping: try reader.readUInt64())
                properties = try BasicProperties(from: &reader)
                finishMessageIfComplete()
            case Frame.body:
                body += payload
                finishMessageIfComplete()
            default: break
            }
        } catch {
            fail(.closed(code: .internalError, text: "INTERNAL_ERROR - \(error)"))
        }
    }

    private func receive(_ method: Method) {
        switch method {
        case .connectionClose(let close):
            fail(.closed(code: ReplyCode(rawValue: close.replyCode) ?? .internalError, text: "\(close.replyText)"))
        case .channelClose(let close):
            fail(.closed(code: ReplyCode(rawValue: close.replyCode) ?? .internalError, text: "\(close.replyText)"))
        case .connectionBlocked, .connectionUnblocked, .basicCancel: break
        case .basicReturn:
            isReturned = true
            delivery = nil
            body = []
        case .basicGetOk(let getOk):
            delivery = getOk
            body = []
        case .basicAck: finishPublish(wasAccepted: true)
        case .basicNack: finishPublish(wasAccepted: false)
        default: finish(.success(.method(method)))
        }
    }

    private func finishPublish(wasAccepted: Bool) {
        let wasReturned = isReturned
        isReturned = false
        finish(.success(.published(wasAccepted: wasAccepted, wasReturned: wasReturned)))
    }

    private func finishMessageIfComplete() {
        guard let properties, body.count >= bodyByteCount else { return }
        self.properties = nil
        // What was returned is known to whoever published it.
        guard let delivery else { return body = [] }
        self.delivery = nil
        let message = DirectMessage(delivery: delivery, properties: properties, body: body)
        body = []
        finish(.success(.message(message)))
    }
}
