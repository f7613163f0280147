import AMQPWire

/// A method that is to be answered, and what the answer must say.
struct ExpectedAnswer {
    enum Detail {
        case none
        case tag(String)
        case name(String)
        case get(queue: Int?, noAck: Bool)
    }

    let classID: UInt16
    let methodID: UInt16
    let detail: Detail

    init(to method: Method, detail: Detail = .none) {
        classID = method.classID
        // exchange.unbind-ok alone is not one above its question.
        if case .exchangeUnbind = method { methodID = 51 } else { methodID = method.methodID + 1 }
        self.detail = detail
    }

    func accepts(_ method: Method) -> Bool {
        guard method.classID == classID else { return false }
        if case .basicGetEmpty = method, methodID == 71 { return true }
        guard method.methodID == methodID else { return false }
        switch (method, detail) {
        case (.basicConsumeOk(let ok), .tag(let tag)): return ok.consumerTag.description == tag
        case (.basicCancelOk(let ok), .tag(let tag)): return ok.consumerTag.description == tag
        case (.queueDeclareOk(let ok), .name(let name)): return name.isEmpty || ok.queue.description == name
        default: return true
        }
    }
}

struct SimulatedConsumer {
    /// Unique in the simulation.
    let number: Int
    let tag: String
    /// nil for a queue of the churn.
    let queue: Int?
    let noAck: Bool
    let prefetchCount: Int
}

/// A delivery that a client has not settled, or whose release the broker has not confirmed.
struct SimulatedDelivery {
    let tag: UInt64
    /// nil for what the ledger does not follow.
    let copy: SimulatedLedger.Copy?
    /// nil for basic.get.
    let consumer: Int?
}

/// One incarnation of a channel, as its client sees it.
final class SimulatedChannel {
    enum Phase { case opening, open, closing }

    struct Settlement {
        let copy: SimulatedLedger.Copy
        /// How far the client's stream must have been read for the broker to have seen it.
        let offset: Int
        /// How many questions went before it.
        let questionCount: Int
    }

    let number: UInt16
    let incarnation: Int
    var phase = Phase.opening
    /// The client did something that the broker must answer with channel.close or connection.close.
    var isDoomed = false
    /// Errors may happen here without intent: somebody deletes what this channel uses.
    var mayFail = false

    var expected: [ExpectedAnswer] = []
    var questionCount = 0
    var answerCount = 0

    // Publishing
    var isConfirming = false
    var publishCount: UInt64 = 0
    var confirmedCount: UInt64 = 0
    /// By the number of the publish; nil for what the ledger does not follow.
    var published: [UInt64?] = []

    // Consuming
    var prefetchCount = 0
    /// 0 is none. Only ever set before there are consumers, so that it holds for all of them.
    var channelLimit = 0
    var latestTag: UInt64 = 0
    var unacked: [SimulatedDelivery] = []
    var consumers: [String: SimulatedConsumer] = [:]
    var cancelledTags: Set<String> = []
    var settlements: [Settlement] = []
    /// Queues that consumers or gets of this channel ever used.
    var usedQueues: Set<Int> = []
    /// A recover is under way: what comes before its answer is requeued as well.
    var isRecovering = false
    var content: SimulatedContent?

    init(number: UInt16, incarnation: Int) {
        self.number = number
        self.incarnation = incarnation
    }

    /// Deliveries that come now go back without the client's doing.
    var ignoresDeliveries: Bool { phase == .closing || isDoomed || isRecovering }

    func unackedCount(of consumer: Int) -> Int { unacked.count { $0.consumer == consumer } }

    // MARK: The ledger

    /// The client asked for the end, or provoked it: what it holds goes back when the broker reads that.
    func releaseHeld(_ ledger: SimulatedLedger) {
        for delivery in unacked {
            if let copy = delivery.copy { ledger.holderEnded(copy, holder: incarnation) }
        }
        for queue in usedQueues { ledger.consumerEnded(queue: queue, byDeath: false) }
    }

    /// The broker has answered this many questions: what was settled before the latest of them is settled.
    func resolveAnswered(_ ledger: SimulatedLedger) {
        while let first = settlements.first, first.questionCount < answerCount {
            ledger.settlementIsCertain(first.copy, by: incarnation)
            settlements.removeFirst()
        }
    }

    /// The broker has said that the channel is closed: everything before was dealt with.
    func resolveClosed(_ ledger: SimulatedLedger) {
        for settlement in settlements { ledger.settlementIsCertain(settlement.copy, by: incarnation) }
        for case let message? in published { ledger.confirm(message) }
        settlements = []
        published = []
    }

    /// Whether the broker reads what was settled and not answered for is open.
    func resolveDoubtful(_ ledger: SimulatedLedger) {
        for settlement in settlements { ledger.settlementIsDoubtful(settlement.copy, by: incarnation) }
        settlements = []
    }

    /// The socket died after the broker had read so many bytes of it.
    func resolveDead(_ ledger: SimulatedLedger, readCount: Int) {
        releaseHeld(ledger)
        for settlement in settlements {
            if settlement.offset <= readCount, settlement.questionCount <= answerCount, !isDoomed {
                ledger.settlementIsCertain(settlement.copy, by: incarnation)
            } else {
                ledger.settlementIsDoubtful(settlement.copy, by: incarnation)
            }
        }
        for queue in usedQueues { ledger.consumerEnded(queue: queue, byDeath: true) }
        settlements = []
    }
}
