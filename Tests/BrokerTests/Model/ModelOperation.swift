import AMQPWire

struct ModelPublish: Hashable {
    var exchange: String
    var routingKey: String
    var isMandatory = false
    /// Without what the broker adds.
    var message: ModelMessage
}

struct ModelBinding: Hashable {
    let exchange: String
    let routingKey: String
    let queue: String
}

/// What a client does, or what happens to all of them.
enum ModelOperation {
    case declare(String, ModelArguments, isDurable: Bool, isAutoDelete: Bool)
    case delete(String)
    case purge(String)
    case bind(ModelBinding)
    case unbind(ModelBinding)
    /// In one read.
    case publish([ModelPublish])
    case get(String, noAck: Bool)
    case qos(Int)
    case consume(String, ModelConsumer)
    case cancel(String)
    case ack(UInt64, multiple: Bool)
    case nack(UInt64, multiple: Bool, requeue: Bool)
    case reject(UInt64, requeue: Bool)
    case recover
    case confirmSelect
    case closeChannel
    /// The socket ends; another connection takes the client's place.
    case disconnect
    /// What an operator says of a queue of this name, whoever declares it; nil: nothing any more.
    case policy(String, ModelArguments?)
    /// An operator stops the deliveries of a queue, or lets them go on.
    case pause(String, Bool)
    /// The time is this from now on. No client's doing.
    case advance(to: UInt64)
    /// The process ends without a word, or in order, and begins again so many milliseconds later.
    case restart(isInOrder: Bool, afterMilliseconds: UInt64)
}

extension ModelOperation {
    /// Whether something may become possible before all of it is done.
    var hasSeveralEvents: Bool {
        switch self {
        case .publish(let all): all.count > 1 || all.contains { !$0.exchange.isEmpty }
        case .ack(_, let multiple): multiple
        case .nack, .reject, .recover, .closeChannel, .disconnect, .advance: true
        default: false
        }
    }
}

/// A queue's message that a client has.
struct ModelUnacked: Hashable {
    let tag: UInt64
    let queue: String
    let queueSerial: Int
    /// nil: taken with basic.get.
    let consumer: String?
    var entry: ModelEntry
}

struct ModelClient: Hashable {
    var latestTag: UInt64 = 0
    var unacked: [ModelUnacked] = []
    var prefetchCount = 0
    var isConfirming = false
    var latestPublish: UInt64 = 0
}
