/// A load with every value decided: what the options say, and the scenario's defaults for the rest.
struct LoadPlan: Equatable, Sendable {
    var scenario: Scenario
    var producers = 1
    var consumers = 1
    var queues = 1
    var isPinned = false
    var channels = 1
    var bodyByteCount = 16
    var durationSeconds = 5.0
    var warmupSeconds = 1.0
    /// How many messages all producers publish together; nil: as many as they can in the time.
    var messages: Int?
    /// Messages a second over all producers; nil: as fast as possible.
    var rate: Double?
    var isPersistent = false
    var isDurable = false
    /// Unconfirmed messages that a producer may have; 0: no confirms.
    var confirmWindow = 0
    var acknowledgement = Acknowledgement.auto
    var prefetch = 0
    var exchangeKind = ExchangeKind.default
    /// Every message goes to every queue.
    var isBroadcast = false
    var bindings = 1
    var keys = 1
    var words = 2
    var queueType: String?
    var verifies = false
    var threads = 1
    var frameMax: UInt32 = 131_072
    var drainTimeoutSeconds = 5.0

    var measuresLatency: Bool { scenario == .latency }
    /// Whether bodies carry producer, number and time.
    var isStamped: Bool { verifies || measuresLatency }
    /// Subscriptions: subscription s reads queue s modulo `queues` on connection s modulo `consumers`.
    var subscriptions: Int { consumers == 0 ? 0 : max(consumers, queues) }

    static let stampByteCount = 16
    static let connectionLimit = 20_000
    static let queueLimit = 100_000
    static let bindingLimit = 1_000_000
    static let bodyLimit = 128 << 20
}

extension LoadPlan {
    init(_ scenario: Scenario, _ options: LoadOptions) throws(PerfError) {
        self.scenario = scenario
        let example = "\(scenario.rawValue)"
        producers = try Self.check(options.producers, "--producers", 1...10_000, "\(example) --producers 2") ?? 1
        let consumersMinimum = scenario == .throughput ? 0 : 1
        consumers =
            try Self.check(
                options.consumers, "--consumers", consumersMinimum...10_000, "\(example) --consumers 2") ?? 1
        channels = try Self.check(options.channels, "--channels", 1...2047, "\(example) --channels 4") ?? 1
        bodyByteCount =
            try Self.check(options.bodySize, "--body-size", 0...Self.bodyLimit, "\(example) --body-size 1k") ?? 16
        confirmWindow =
            try Self.check(options.confirm, "--confirm", 1...1_000_000, "\(example) --confirm 1000") ?? 0
        prefetch = try Self.check(options.prefetch, "--prefetch", 0...65535, "\(example) --prefetch 1000") ?? 0
        threads = try Self.check(options.threads, "--threads", 1...256, "\(example) --threads 2") ?? 1
        frameMax = UInt32(
            try Self.check(options.frameMax, "--frame-max", 4096...16_777_216, "\(example) --frame-max 131072")
                ?? 131_072)
        messages =
            try Self.check(options.messages, "--messages", 1...Count.limit, "\(example) --messages 1m")
            ?? (scenario == .backlog ? 1_000_000 : nil)
        rate =
            try Self.check(options.rate, "--rate", 1...100_000_000, "\(example) --rate 5k").map(Double.init)
            ?? (scenario == .latency ? 5000 : nil)
        durationSeconds = options.duration?.value ?? 5
        warmupSeconds = options.warmup?.value ?? 1
        acknowledgement = options.ack
        isPinned = options.pin
        isPersistent = options.persistent
        isDurable = options.persistent || options.durable
        queueType = options.queueType
        verifies = options.verify
        drainTimeoutSeconds = options.drainTimeout.value
        try resolveRouting(options, example)
        try checkTogether(example)
    }

    private mutating func resolveRouting(_ options: LoadOptions, _ example: String) throws(PerfError) {
        exchangeKind = options.exchangeType ?? (scenario == .fanout ? .fanout : .default)
        isBroadcast = scenario == .fanout || exchangeKind == .fanout
        if isBroadcast, exchangeKind == .default {
            throw .usage(
                "--exchange-type default routes to one queue only", example: "fanout --exchange-type fanout")
        }
        let bindingCount =
            try Self.check(options.bindings, "--bindings", 1...Self.bindingLimit, "\(example) --bindings 10") ?? 10
        let queueCount =
            try Self.check(options.queues, "--queues", 1...Self.queueLimit, "\(example) --queues 4")
        switch exchangeKind {
        case _ where isBroadcast:
            queues = queueCount ?? bindingCount
            guard queues <= Self.queueLimit else {
                throw .usage("--bindings \(queues) are too many queues", example: "\(example) --bindings 100")
            }
            bindings = queues
            keys = 1
        case .topic, .headers:
            bindings = bindingCount
            queues = queueCount ?? min(bindings, 10)
            keys =
                try Self.check(options.keys, "--keys", 1...Self.bindingLimit, "\(example) --keys 1000") ?? bindings
            words =
                try Self.check(options.words, "--words", 2...100_000, "\(example) --words 64")
                ?? max(2, Int((4 * Double(bindings)).squareRoot()))
        default:
            queues = queueCount ?? 1
            bindings = queues
            keys = queues
        }
    }

    private func checkTogether(_ example: String) throws(PerfError) {
        guard producers + consumers <= Self.connectionLimit else {
            throw .usage(
                "--producers and --consumers are more than \(Self.connectionLimit) connections",
                example: "\(example) --producers 10 --consumers 10")
        }
        guard !isStamped || bodyByteCount >= Self.stampByteCount else {
            throw .usage(
                "--body-size \(bodyByteCount) has no room for a number and a time, which take "
                    + "\(Self.stampByteCount) bytes", example: "\(example) --body-size 16")
        }
        guard messages != nil || durationSeconds > 0 else {
            throw .usage("--duration 0 measures nothing", example: "\(example) --duration 5")
        }
        if case .multiple(let count) = acknowledgement, prefetch > 0, count > prefetch {
            throw .usage(
                "--ack multi:\(count) never comes about with --prefetch \(prefetch)",
                example: "\(example) --ack multi:100 --prefetch 1000")
        }
        if let queueType, !["classic", "quorum"].contains(queueType) {
            throw .usage(
                "--queue-type \(queueType) is none that keeps messages for consumers",
                example:
                    "\(example) --queue-type quorum")
        }
        if let messages, messages < producers {
            throw .usage(
                "--messages \(messages) are fewer than --producers \(producers)",
                example: "\(example) --messages 100k --producers 2")
        }
    }

    private static func check(
        _ count: Count?, _ option: String, _ range: ClosedRange<Int>, _ example: String
    ) throws(PerfError) -> Int? {
        guard let value = count?.value else { return nil }
        guard range.contains(value) else {
            throw .usage(
                "\(option) \(value) is not within \(range.lowerBound) to \(range.upperBound)", example: example)
        }
        return value
    }

    /// How many of the messages producer `producer` publishes.
    func messages(of producer: Int) -> Int {
        guard let messages else { return Int.max }
        return messages / producers + (producer < messages % producers ? 1 : 0)
    }
}
