import AMQPWire
import Routing

/// What an exchange wants of its gate (`ExchangeGates`).
enum GateSettings: Sendable, Equatable {
    /// `x-delayed-message`: messages with a delay wait.
    case delay
    /// `x-message-deduplication`: of messages with one header the first passes.
    case deduplication(DeduplicationSettings)
    /// `x-recent-history`: who is bound gets the latest messages.
    case history(length: Int)

    var kind: ExchangeGates {
        switch self {
        case .delay: .delay
        case .deduplication: .deduplication
        case .history: .history
        }
    }
}

struct DeduplicationSettings: Sendable, Equatable {
    /// Headers that are remembered.
    var size: Int
    var ttlMilliseconds: UInt64?
    /// Whether a durable exchange knows them after a restart.
    var isPersistent = false
}

/// Where an exchange's gate is: a queue of the shard that declared the exchange, which is in no virtual host.
struct GatePlace: Sendable, Equatable {
    let address: QueueAddress
    /// 0 for a transient exchange.
    let journalNumber: UInt32
}

/// A gate on its shard. Messages come to it as to any queue, by mailbox and with a journal record; it decides at once,
/// or in time, and routes a copy on from its exchange. With the copy's record the journal forgets the original.
final class ExchangeGate {
    let settings: GateSettings
    /// Known once this shard has the exchange in its tables.
    var exchange: ExchangeID?
    /// Messages that wait for their time.
    var delayed = BinaryHeap<DelayedMessage>()
    private var delayedCount: UInt64 = 0
    var cache: DeduplicationCache
    /// The latest messages, copies of this shard's, the oldest first.
    var history = RingBuffer<Message>()
    /// Messages that the journal had before the gate when the node stopped.
    var recovered: [Message] = []

    init(_ settings: GateSettings) {
        self.settings = settings
        if case .deduplication(let settings) = settings {
            cache = DeduplicationCache(settings)
        } else {
            cache = DeduplicationCache(DeduplicationSettings(size: 1))
        }
    }

    func delay(_ message: Message, untilMilliseconds due: UInt64) {
        delayedCount += 1
        delayed.insert(DelayedMessage(milliseconds: due, order: delayedCount, message: message))
    }

    /// Everything that it holds, taken out.
    func takeAll() -> [Message] {
        var held = delayed.elements.map(\.message) + recovered
        while let message = history.popFirst() { held.append(message) }
        delayed = BinaryHeap()
        recovered = []
        return held
    }

    deinit { history.deallocate() }
}

/// A message that waits for its time.
struct DelayedMessage: HeapElement {
    /// When it is due, since 1970.
    let milliseconds: UInt64
    /// Those that are due at once go in the order in which they came.
    let order: UInt64
    let message: Message

    func precedes(_ other: DelayedMessage) -> Bool {
        milliseconds != other.milliseconds ? milliseconds < other.milliseconds : order < other.order
    }
}

/// The header `x-delay`: milliseconds.
enum Delay {
    static let header: ShortString = "x-delay"
    /// The plugin's ERL_MAX_T.
    private static let millisecondsLimit: Int64 = 4_294_967_295

    /// nil when the message is not to wait: without the header, or with what is no number of the plugin's range.
    static func milliseconds(in headers: FieldTable) -> UInt64? {
        guard let delay = number(headers[header]), delay > 0, delay <= millisecondsLimit else { return nil }
        return UInt64(delay)
    }

    private static func number(_ value: FieldValue?) -> Int64? {
        switch value {
        case .longString(let bytes), .bytes(let bytes): Int64(String(decoding: bytes, as: UTF8.self))
        case .double(let value): Int64(exactly: value.rounded(.towardZero))
        case .float(let value): Int64(exactly: value.rounded(.towardZero))
        default: value?.integer
        }
    }
}
