import AMQPWire
import Routing

/// One connection, from its first byte to its last.
///
///     protocolHeader -> starting -> tuning -> opening -> running -> closing -> closed
///
/// The names from `starting` to `running` are RabbitMQ's: its error texts show them.
struct ConnectionState {
    enum Phase: String {
        case protocolHeader = "pre_init"
        case starting, tuning, opening, running
        /// The client has sent connection.close; close-ok follows when its channels are gone.
        case closing
        /// connection.close was sent: everything but its answer is dropped until it comes or time runs out.
        case awaitingCloseOk
        /// Nothing is read any more; the socket closes when what is written is out and `lingersUntil` has passed.
        case closed
    }

    let address: ConnectionAddress
    let peer: Peer
    var phase = Phase.protocolHeader

    // Bytes
    var input = PartialInput()
    var bodyStream = BodyStream()
    var outbound = OutboundBuffer()
    /// Listed among the connections with something for the shell to do.
    var isListed = false
    /// The socket takes more; otherwise output is kept here.
    var isWritable = true
    /// The shell shall not read: see `updateReading`.
    var isReadingPaused = false
    /// It has published during a resource alarm that is not over yet.
    var isBlocked = false
    var deferredByteCount = 0
    /// Close the socket, once everything is written and this moment has come.
    var closesAtMilliseconds: UInt64?

    // Negotiated
    var frameMax: UInt32 = 0
    var channelMax: UInt16 = 0
    var heartbeatSeconds: UInt16 = 0
    var user: ShortString = ""
    /// Its user may do everything in its virtual host: nothing needs to be asked.
    var isUnrestricted = false
    /// What it will be told about its login in the end.
    var refusedLogin: RefusedLogin?
    var virtualHost: ShortString = ""
    var virtualHostIndex = 0
    /// Counted among its virtual host's connections.
    var isInVirtualHost = false
    var capabilities = ClientCapabilities()
    var name: String?
    /// Without a socket: an administrative interface's, no client's.
    var isDirect = false
    var origin = ConnectionOrigin()
    /// What others show of it; nil until it is open.
    var details: ConnectionDetails?

    // Statistics
    var traffic = ConnectionTraffic()
    /// Of channels that are gone.
    var endedChannelCounters = MessageCounters()

    // Timers, in monotonic milliseconds
    let openedAt: UInt64
    var lastReceivedAt: UInt64
    /// When the socket last took output.
    var lastSentAt: UInt64

    // Channels
    var channels: [UnsafeMutablePointer<ChannelState>?] = []
    var channelCount = 0
    var latestChannelSerial: UInt32 = 0
    /// The latest of them to have a `PublishPattern`.
    var repeatingChannel: UnsafeMutablePointer<ChannelState>?
    /// The latest of them to have acked a delivery.
    var ackingChannel: UnsafeMutablePointer<ChannelState>?
    /// Some channel has, or had, a consumer of a queue with a consumer timeout.
    var hasTimedConsumers = false
    /// Queues that live as long as this connection.
    var exclusiveQueues: Set<QueueAddress> = []
    /// Other shards that have heard of this connection, as bits.
    var usedShards: UInt64 = 0
    /// Barriers of other shards that connection.close waits for.
    var barrierCount = 0

    // Deliveries
    var window = DeliveryWindow(availableByteCount: Limit.deliveryWindowByteCount)
    /// Bytes delivered since the output was last taken: from this shard's queues, and from each other shard's.
    var deliveredByteCount = 0
    var remoteDeliveredByteCounts: [Int] = []

    init(address: ConnectionAddress, peer: Peer, now: UInt64) {
        self.address = address
        self.peer = peer
        openedAt = now
        lastReceivedAt = now
        lastSentAt = now
    }

    /// Whether it is shown to administrators: from its opening to its end.
    var isVisible: Bool { details != nil && phase != .closed }

    @inline(__always)
    func channel(_ number: UInt16) -> UnsafeMutablePointer<ChannelState>? {
        channels.withUnsafeBufferPointer { Int(number) < $0.count ? $0[Int(number)] : nil }
    }

    /// nil when another channel has that number by now.
    @inline(__always)
    func channel(_ address: ChannelAddress) -> UnsafeMutablePointer<ChannelState>? {
        guard let channel = channel(address.number), channel.pointee.serial == address.serial else { return nil }
        return channel
    }

    /// The largest payload a frame from the client may have; RabbitMQ forgives eight bytes.
    var payloadLimit: Int {
        frameMax == 0
            ? Limit.bodyByteCount + Frame.overheadByteCount
            : Int(frameMax) - Frame.overheadByteCount + Limit.frameSizeFudge
    }
}

/// A login that was refused, and waits for its answer.
struct RefusedLogin {
    let error: ProtocolError
    let answersAtMilliseconds: UInt64
}

/// What the client's `capabilities` table says that it understands (RabbitMQ's names).
struct ClientCapabilities: Equatable {
    var authenticationFailureClose = false
    var basicNack = false
    var connectionBlocked = false
    var consumerCancelNotify = false
    var exchangeExchangeBindings = false
    var publisherConfirms = false

    init() {}

    init(clientProperties: FieldTable) {
        guard case .table(let table)? = clientProperties["capabilities"] else { return }
        func has(_ name: ShortString) -> Bool { table[name] == .bool(true) }
        authenticationFailureClose = has("authentication_failure_close")
        basicNack = has("basic.nack")
        connectionBlocked = has("connection.blocked")
        consumerCancelNotify = has("consumer_cancel_notify")
        exchangeExchangeBindings = has("exchange_exchange_bindings")
        publisherConfirms = has("publisher_confirms")
    }
}
