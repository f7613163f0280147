/// Every bound of the engine that no configuration key sets. Sizes are bytes unless the name says otherwise.
enum Limit {
    /// What may wait for one connection's socket, per shard that delivers to it, before its consumers pause.
    static let deliveryWindowByteCount = 1 << 20
    /// Answers that wait for one connection's socket before it is not read any more: who asks must also listen.
    static let unsentByteCount = 4 << 20
    /// How long such a client may take nothing before it is given up (RabbitMQ: `send_timeout`, 15 s).
    static let unsentMilliseconds: UInt64 = 30_000
    /// Messages on their way from one shard to another before the publishers of it pause.
    static let transitByteCount = 8 << 20
    /// Messages of one queue above which some may leave memory when it is scarce.
    static let deepByteCount = 128 << 10
    /// While memory is tight, a queue with so much delivered and not acked brings nothing more back into memory.
    static let heldByteCount = 64 << 20
    /// What may be published in one transaction.
    static let transactionByteCount = 256 << 20
    /// Delivery tags of one channel of which a late ack does no harm.
    static let returnedTags = 65_536
    /// Message ids in one `delivered` record.
    static let deliveredPerRecord = 8192
    /// Journal records of one shard that are not written yet before its publishers pause.
    static let laneByteCount: UInt64 = 16 << 20
    /// Frames that wait behind a channel's unanswered method before the socket is not read.
    static let deferredByteCount = 1 << 20
    /// RabbitMQ's hard limit of a message's body (`MAX_MSG_SIZE`).
    static let bodyByteCount = 536_870_912
    /// How many topology changes another shard may lag behind before it is woken for them.
    static let topologyLag: UInt64 = 512
    /// Events that have not been published yet.
    static let waitingEvents = 100_000
    /// Queues that came or went since the list of them was looked at.
    static let queueSetChanges = 65_536
    /// The longest time that an argument or a policy can ask for: 35 000 years, far from any overflow.
    static let durationMilliseconds: UInt64 = 1 << 50
    /// The pattern of a policy.
    static let patternByteCount = 1024
    /// Tags of one user.
    static let userTags = 64
    /// The largest of the known ones, SHA-512 with its salt, has 68; what is imported may be of another kind.
    static let passwordHashByteCount = 1024
    /// Places and names that logins were tried from and with, of which each has a count of its own.
    static let loginSources = 4096
    /// How long a refused login waits for its answer, so that guessing takes its time.
    static let refusedLoginMilliseconds: UInt64 = 1_000
    /// Refused logins of one shard that wait so; more are ended without an answer.
    static let refusedLogins = 1_000
    /// RabbitMQ's `x-name-prefix` bound.
    static let namePrefixByteCount = 64
    /// Messages of one queue that expire, or are too many, in one turn before others have theirs.
    static let dropsPerTurn = 4096
    /// Queues that reject one message after the other before the rest waits for the end of the turn.
    static let rejectionDepth = 16
    /// Deadlines of what may be gone meanwhile, before they are looked through.
    static let staleDeadlines = 1024
    /// Dead-letter cycles that a shard tells of.
    static let notedCycles = 1000
    /// Pairs of a channel, and of a virtual host on a shard, whose messages are counted.
    static let messagePairs = 10_000
    /// Deliveries of one queue in one turn before others get theirs.
    static let deliveriesPerTurn = 4096
    /// Messages a remote consumer under a channel-wide limit may ask credit for at once.
    static let leaseCount: UInt32 = 32
    /// Body frames beyond this need not be complete to be taken.
    static let largeFrameByteCount = 16 << 10
    /// RabbitMQ's grace for clients that count a frame's eight bytes of overhead wrongly.
    static let frameSizeFudge = 8
    /// How long a closed connection may take to answer `connection.close` (RabbitMQ's CLOSING_TIMEOUT, 30 s).
    static let closingMilliseconds: UInt64 = 30_000
    /// How long the last output of an ended connection may take to leave.
    static let closeMilliseconds: UInt64 = 5_000
    /// How long a failed login, a broken frame or a wrong protocol waits for its end (RabbitMQ's SILENT_CLOSE_DELAY).
    static let silentCloseMilliseconds: UInt64 = 3_000
}
