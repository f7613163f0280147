import AMQPWire
import Broker
import JSON
import Node
import Routing

/// A queue as the API shows it.
struct QueueObject: JSONWritable {
    /// How much of it: `disable_stats` and `enable_queue_totals` leave out what is counted.
    enum Extent: Sendable { case declaration, totals, everything }

    private let queue: QueueSnapshot
    private let extent: Extent
    private let nodeName: String
    private let tellsRates: Bool
    /// What was asked for of its past.
    private var rateHistory: SampleHistoryQuery?
    private var lengthHistory: SampleHistoryQuery?

    init(queue: QueueSnapshot, extent: Extent, context: ManagementContext) {
        self.queue = queue
        self.extent = extent
        nodeName = context.nodeName
        tellsRates = context.tellsRates
    }

    /// Shows of these samples what was asked for.
    mutating func show(_ samples: SampleSeries?, _ ranges: QueueHistoryRanges) {
        guard let samples else { return }
        rateHistory = ranges.rates.map { SampleHistoryQuery(range: $0, series: samples) }
        lengthHistory = ranges.lengths.map { SampleHistoryQuery(range: $0, series: samples) }
    }

    func write(to builder: inout JSONObjectBuilder) {
        addDeclaration(&builder)
        switch extent {
        case .declaration: break
        case .totals: addTotals(&builder)
        case .everything:
            addTotals(&builder)
            addLengthRates(&builder)
            addBytes(&builder)
            addConsumers(&builder)
        }
    }

    private func addDeclaration(_ builder: inout JSONObjectBuilder) {
        builder.add("name", queue.name)
        builder.add("vhost", queue.virtualHost)
        builder.add("type", .string(queue.type.rawValue))
        builder.add("durable", queue.isDurable)
        builder.add("auto_delete", queue.isAutoDelete)
        builder.add("exclusive", queue.isExclusive)
        builder.add("arguments", .object(queue.arguments.json))
        builder.add("node", .string(nodeName))
        builder.add("state", .string(queue.state.rawValue))
        builder.add("policy", queue.policies.policy.map { .text($0) } ?? .null)
        builder.add("operator_policy", queue.policies.operatorPolicy.map { .text($0) } ?? .null)
        builder.add("effective_policy_definition", .object(queue.policies.definition?.json ?? JSONObject()))
        if queue.type == .quorum {
            builder.add("leader", .string(nodeName))
            builder.add("members", [.string(nodeName)])
            builder.add("online", [.string(nodeName)])
        }
    }

    typealias Figure = (name: StaticString, value: @Sendable (QueueFigures) -> Int)

    static let totals: [Figure] = [
        ("messages", { $0.messageCount }), ("messages_ready", { $0.readyCount }),
        ("messages_unacknowledged", { $0.unackedCount }),
    ]

    private func addTotals(_ builder: inout JSONObjectBuilder) {
        for (name, value) in Self.totals { builder.add(name, value(queue.figures)) }
    }

    private func addLengthRates(_ builder: inout JSONObjectBuilder) {
        let rates = queue.lengthRates
        let (ready, unacked) = (lengthHistory?.series.ready ?? [], lengthHistory?.series.unacked ?? [])
        func add(_ name: StaticString, _ rate: Double, _ values: @autoclosure () -> [UInt64]) {
            builder.addObject(name) { details in
                MessageStats.addDetails(rate: rate, samples: lengthHistory?.samples(of: values()), to: &details)
            }
        }
        add("messages_details", rates.messages, zip(ready, unacked).map { $0 &+ $1 })
        add("messages_ready_details", rates.ready, ready)
        add("messages_unacknowledged_details", rates.unacked, unacked)
    }

    static let contents: [Figure] = [
        ("messages_delayed", { $0.delayedCount }), ("messages_ram", { $0.residentCount }),
        ("messages_ready_ram", { $0.residentReadyCount }), ("messages_unacknowledged_ram", { $0.unackedCount }),
        ("messages_paged_out", { $0.pagedOutCount }), ("messages_persistent", { $0.persistentCount }),
        ("message_bytes", { $0.messageByteCount }), ("message_bytes_ready", { $0.readyByteCount }),
        ("message_bytes_unacknowledged", { $0.unackedByteCount }), ("message_bytes_ram", { $0.residentByteCount }),
        ("message_bytes_paged_out", { $0.pagedOutByteCount }),
        ("message_bytes_persistent", { $0.persistentByteCount }), ("memory", { $0.memoryByteCount }),
    ]

    private func addBytes(_ builder: inout JSONObjectBuilder) {
        for (name, value) in Self.contents { builder.add(name, value(queue.figures)) }
        builder.add("head_message_timestamp", queue.headTimestampSeconds.map { .number($0) } ?? .null)
        if tellsRates {
            builder.addObject("message_stats") { stats in
                MessageStats.write(queue.counters, queue.rates, .queue, history: rateHistory, to: &stats)
            }
        }
        if let idle = queue.idleSinceMilliseconds { builder.add("idle_since", milliseconds: idle) }
    }

    static let consumers: Figure = ("consumers", { $0.consumerCount })

    private func addConsumers(_ builder: inout JSONObjectBuilder) {
        builder.add(Self.consumers.name, Self.consumers.value(queue.figures))
        builder.add("consumer_capacity", queue.figures.consumerCapacity)
        builder.add("consumer_utilisation", queue.figures.consumerCapacity)
        builder.add("exclusive_consumer_tag", queue.exclusiveConsumer.map { .text($0.tag) } ?? .null)
        builder.add("single_active_consumer_tag", queue.singleActiveConsumer.map { .text($0.tag) } ?? .null)
        if let owner = queue.owner { builder.add("owner_pid_details", connectionDetails(owner)) }
    }
}

/// The queues that a request lists.
struct QueueSource: ListSource {
    static let isLong = true

    let request: ManagementRequest
    let virtualHosts: [ShortString]
    let extent: QueueObject.Extent
    let ranges: QueueHistoryRanges

    func keys() async -> [QueueReference] {
        await request.administration.queueReferences(virtualHosts: virtualHosts)
    }

    func name(of key: QueueReference) -> [UInt8] { key.name.bytes }

    func objects(_ keys: ArraySlice<QueueReference>, _ columns: Columns) async -> [QueueObject?] {
        let addresses = keys.map(\.address)
        let snapshots = await request.administration.queueSnapshots(at: addresses)
        let samples = ranges.isEmpty ? [:] : await request.administration.queueSamples(at: addresses)
        return zip(addresses, snapshots).map { address, queue in
            queue.map { queue in
                var object = QueueObject(queue: queue, extent: extent, context: request.context)
                object.show(samples[address], ranges)
                return object
            }
        }
    }
}

/// Which parts of queues' histories a request asks for.
struct QueueHistoryRanges: Sendable {
    let rates: HistoryRange?
    let lengths: HistoryRange?

    init(_ query: Query) throws(ManagementError) {
        rates = try HistoryRange(query, prefix: "msg_rates")
        lengths = try HistoryRange(query, prefix: "lengths")
    }

    var isEmpty: Bool { rates == nil && lengths == nil }
}

extension ManagementRequest {
    /// What the query wants of queues.
    var queueExtent: QueueObject.Extent {
        guard query.isTrue("disable_stats") else { return .everything }
        return query.isTrue("enable_queue_totals") ? .totals : .declaration
    }

    /// The queue that the path names, as it is now.
    ///
    /// - Throws: 404.
    func queueSnapshot() async throws(ManagementError) -> QueueSnapshot {
        let address = try queueAddress()
        guard let queue = await administration.queueSnapshots(at: [address])[0] else { throw .notFound }
        return queue
    }

    /// - Throws: 404 when there is no such queue.
    func queueAddress() throws(ManagementError) -> QueueAddress {
        let host = try virtualHost
        guard let address = administration.controlPlane.queueAddress(try name("queue"), virtualHost: host) else {
            throw .notFound
        }
        return address
    }
}
