import AMQPWire

/// Somebody who waits for an answer; 0 is nobody.
typealias RequestID = UInt64
/// A channel of this connection. Unlike its number it is never used again.
typealias ChannelID = UInt64
typealias ConsumerID = UInt64

/// What the state machine wants done, in this order.
enum Action: Equatable {
    case succeeded(RequestID, Reply)
    case failed(RequestID, LeveretError)
    case delivered(ConsumerID, ReceivedMessage)
    /// No error: this program ended it.
    case consumerEnded(ConsumerID, LeveretError?)
    case returned(ChannelID, ReturnedMessage)
    case channelEnded(ChannelID, LeveretError)
    /// Publishers that found the channel stopped may try again.
    case flowResumed
    /// The broker takes no publishes for a while, with its reason; nil: it does again.
    case blocked(String?)
    /// The connection is over. What is in `outbound` is still to be sent; then the socket is closed.
    case ended(LeveretError)
}

enum Reply: Equatable {
    case method(Method)
    case message(ReceivedMessage)
    case confirmed
    /// Nothing was written, because too much is written already or the broker stopped the channel.
    case tryLater
    case opened(ChannelID, number: UInt16)
    case closed
}

/// The client's side of one AMQP 0-9-1 connection as a value: bytes, requests and moments in; actions and bytes out.
///
/// It knows no socket, no clock and no task. Whoever feeds it takes `actions` and `outbound` after each call. A
/// violation of the protocol by the broker ends the connection with an error; nothing that comes from outside traps.
struct ConnectionStateMachine: ~Copyable {
    enum Phase: Equatable {
        case idle, starting, tuning, opening, running
        /// This program sent connection.close.
        case closing
        case closed
    }

    let options: ConnectionOptions
    var phase = Phase.idle
    /// Bytes for the broker.
    var outbound = OutboundBuffer()
    var actions: [Action] = []

    /// The beginning of a frame whose rest has not come yet.
    var input: [UInt8] = []
    /// By number.
    var channels: [UInt16: ChannelState] = [:]
    var freeNumbers: [UInt16] = []
    var numbersUsed: UInt16 = 0
    var lastChannelID: ChannelID = 0
    /// Who waits for the connection to open, then for it to close.
    var connectionRequest: RequestID = 0

    // Negotiated.
    var frameMax: UInt32
    var channelMax: UInt16
    var heartbeatSeconds: UInt16 = 0
    var serverProperties = AMQPWire.FieldTable()

    /// Milliseconds of the caller's monotonic clock.
    var lastReceivedAt: UInt64 = 0
    var lastSentAt: UInt64 = 0
    private(set) var endError: LeveretError?

    init(options: ConnectionOptions) {
        self.options = options
        frameMax = max(options.frameMax, Frame.sizeMinimum)
        channelMax = max(options.channelMax, 1)
    }

    deinit {
        var outbound = outbound
        outbound.deallocate()
    }

    mutating func takeActions() -> [Action] {
        if actions.isEmpty { return [] }
        defer { actions = [] }
        return actions
    }

    mutating func send(_ method: Method, channel: UInt16) {
        method.writeFrame(channel: channel, to: &outbound)
    }
}

// The end of the connection, in its five ways.
extension ConnectionStateMachine {
    /// connection.close by this program.
    mutating func close(request: RequestID) {
        switch phase {
        case .closed: actions.append(.succeeded(request, .closed))
        case .closing: actions.append(.failed(request, .closed))
        case .running:
            phase = .closing
            send(
                .connectionClose(ConnectionClose(replyCode: ReplyCode.replySuccess.rawValue, replyText: "OK")),
                channel: 0)
            connectionRequest = request
            endChannels(.closed)
        case .idle, .starting, .tuning, .opening:
            end(.closed)
            actions.append(.succeeded(request, .closed))
        }
    }

    /// At once: the broker is told if it can understand, and its answer is not waited for.
    mutating func abort() {
        if phase == .running {
            send(
                .connectionClose(ConnectionClose(replyCode: ReplyCode.replySuccess.rawValue, replyText: "OK")),
                channel: 0)
        }
        end(.closed)
    }

    /// The socket is gone.
    mutating func connectionLost() {
        switch phase {
        case .closing: end(.closed)
        case .starting: end(.handshake("the server closed the connection"))
        case .tuning: end(.lostDuringLogin)
        default: end(.connectionLost)
        }
    }

    /// The broker broke the protocol: tell it, and be done.
    mutating func fail(_ error: LeveretError, replyCode: ReplyCode) {
        guard phase != .closed else { return }
        if phase != .idle, phase != .starting {
            send(
                .connectionClose(
                    ConnectionClose(replyCode: replyCode.rawValue, replyText: ShortString(truncating: error.message))),
                channel: 0)
        }
        end(error)
    }

    /// This side gives up.
    mutating func end(_ error: LeveretError) {
        guard phase != .closed else { return }
        let wasClosing = phase == .closing
        phase = .closed
        endError = error
        input = []
        endChannels(error)
        if connectionRequest != 0 {
            actions.append(
                wasClosing ? .succeeded(connectionRequest, .closed) : .failed(connectionRequest, error))
            connectionRequest = 0
        }
        actions.append(.ended(error))
    }

    private mutating func endChannels(_ error: LeveretError) {
        for number in channels.keys.sorted() { endChannel(number, error) }
    }

    /// Everything that waits on the channel fails; its consumers end.
    mutating func endChannel(_ number: UInt16, _ error: LeveretError) {
        guard let channel = channels.removeValue(forKey: number) else { return }
        freeNumbers.append(number)
        // First: whoever is woken by what follows finds the channel ended.
        actions.append(.channelEnded(channel.id, error))
        let byClient = error.code == .closed
        if let request = channel.inFlight {
            // close-ok is what a closing channel waits for: whichever way the channel ends, it is closed.
            if case .channelClose = request.method {
                actions.append(.succeeded(request.id, .closed))
            } else {
                actions.append(.failed(request.id, error))
            }
        }
        for request in channel.waiting { actions.append(.failed(request.id, error)) }
        for request in channel.confirms?.waiters ?? [] { actions.append(.failed(request, error)) }
        for consumer in channel.consumers.values.sorted(by: { $0.id < $1.id }) {
            actions.append(.consumerEnded(consumer.id, byClient ? nil : error))
        }
    }
}

// Heartbeats.
extension ConnectionStateMachine {
    /// To be called about four times in a heartbeat interval.
    ///
    /// - Parameter isReading: false while this side reads nothing: silence is then no sign.
    mutating func tick(now: UInt64, isReading: Bool) {
        guard heartbeatSeconds > 0, phase == .running || phase == .closing else { return }
        let interval = UInt64(heartbeatSeconds) * 1000
        if !isReading {
            lastReceivedAt = now
        } else if now > lastReceivedAt, now - lastReceivedAt > 2 * interval {
            end(.heartbeatMissed(seconds: heartbeatSeconds))
            return
        }
        if now >= lastSentAt, now - lastSentAt >= interval / 2, outbound.isEmpty {
            outbound.writeHeartbeatFrame()
        }
    }

    /// The handshake takes too long.
    mutating func handshakeTimedOut() {
        switch phase {
        case .idle, .starting, .tuning, .opening: end(.handshakeTimedOut)
        case .running, .closing, .closed: break
        }
    }
}
