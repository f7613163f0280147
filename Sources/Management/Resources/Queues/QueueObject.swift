import AMQPWire
import Broker
import JSON
import Node
import Routing

/// A queue as the API shows it.
struct QueueObject {
    /// How much of it: `disable_stats` and `enable_queue_totals` leave out what is counted.
    enum Extent: Sendable { case declaration, totals, everything }

    let queue: QueueSnapshot
    let extent: Extent
    let context: ManagementContext
    /// What was asked for of its past.
    private var rateHistory: SampleHistoryQuery?
    private var lengthHistory: SampleHistoryQuery?

    private var nodeName: String { context.nodeName }

    init(queue: QueueSnapshot, extent: Extent, context: ManagementContext) {
        self.queue = queue
        self.extent = extent
        self.context = context
    }

    /// Shows of these samples what was asked for.
    mutating func show(_ samples: SampleSeries?, _ ranges: QueueHistoryRanges) {
        guard let samples else { return }
        rateHistory = ranges.rates.map { SampleHistoryQuery(range: $0, series: samples) }
        lengthHistory = ranges.lengths.map { SampleHistoryQuery(range: $0, series: samples) }
    }

    func object(_ columns: Columns) -> JSONObject {
        var builder = JSONObjectBuilder(columns)
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
        return builder.object
    }

    private func addDeclaration(_ builder: inout JSONObjectBuilder) {
        builder.add("name", .text(queue.name))
        builder.add("vhost", .text(queue.virtualHost))
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

    private func addTotals(_ builder: inout JSONObjectBuilder) {
        builder.add("messages", queue.messageCount)
        builder.add("messages_ready", queue.readyCount)
        builder.add("messages_unacknowledged", queue.unackedCount)
    }

    private func addLengthRates(_ builder: inout JSONObjectBuilder) {
        let rates = queue.lengthRates
        let (ready, unacked) = (lengthHistory?.series.ready ?? [], lengthHistory?.series.unacked ?? [])
        func details(_ rate: Double, _ values: @autoclosure () -> [UInt64]) -> JSONValue {
            .object(MessageStats.details(rate: rate, samples: lengthHistory?.samples(of: values())))
        }
        builder.add("messages_details", details(rates.messages, zip(ready, unacked).map { $0 &+ $1 }))
        builder.add("messages_ready_details", details(rates.ready, ready))
        builder.add("messages_unacknowledged_details", details(rates.unacked, unacked))
    }

    private func addBytes(_ builder: inout JSONObjectBuilder) {
        builder.add("messages_delayed", queue.delayedCount)
        builder.add("messages_ram", queue.residentCount)
        builder.add("messages_ready_ram", queue.residentReadyCount)
        builder.add("messages_unacknowledged_ram", queue.unackedCount)
        builder.add("messages_paged_out", queue.pagedOutCount)
        builder.add("messages_persistent", queue.persistentCount)
        builder.add("message_bytes", queue.messageByteCount)
        builder.add("message_bytes_ready", queue.readyByteCount)
        builder.add("message_bytes_unacknowledged", queue.unackedByteCount)
        builder.add("message_bytes_ram", queue.residentByteCount)
        builder.add("message_bytes_paged_out", queue.pagedOutByteCount)
        builder.add("message_bytes_persistent", queue.persistentByteCount)
        builder.add("head_message_timestamp", queue.headTimestampSeconds.map { .number($0) } ?? .null)
        builder.add("memory", queue.memoryByteCount)
        if context.tellsRates {
            builder.add(
                "message_stats",
                .object(MessageStats.object(queue.counters, queue.rates, .queue, history: rateHistory)))
        }
        if let idle = queue.idleSinceMilliseconds {
            builder.add("idle_since", .string(Timestamps.text(milliseconds: idle)))
        }
    }

    private func addConsumers(_ builder: inout JSONObjectBuilder) {
        builder.add("consumers", queue.consumerCount)
        builder.add("consumer_capacity", .double(queue.consumerCapacity))
        builder.add("consumer_utilisation", .double(queue.consumerCapacity))
        builder.add("exclusive_consumer_tag", queue.exclusiveConsumer.map { .text($0.tag) } ?? .null)
        builder.add("single_active_consumer_tag", queue.singleActiveConsumer.map { .text($0.tag) } ?? .null)
        if let owner = queue.owner {
            builder.add(
                "owner_pid_details",
                [
                    "name": .string(owner.name), "peer_host": .string(owner.peer.host),
                    "peer_port": .integer(owner.peer.port),
                ])
        }
    }
}

/// The queues that a request lists.
struct QueueSource: ListSource {
    struct Key: Sendable {
        let virtualHost: ShortString
        let queue: QueueReference
    }

    let request: ManagementRequest
    let virtualHosts: [ShortString]
    let extent: QueueObject.Extent
    let ranges: QueueHistoryRanges

    func keys() async -> [Key] {
        virtualHosts.flatMap { host in
            request.administration.controlPlane.queueReferences(virtualHost: host).map {
                Key(virtualHost: host, queue: $0)
            }
        }
    }

    func name(of key: Key) -> String { key.queue.name.description }

    func objects(_ keys: ArraySlice<Key>, _ columns: Columns) async -> [JSONObject?] {
        let addresses = keys.map(\.queue.address)
        let snapshots = await request.administration.queueSnapshots(at: addresses)
        let samples = ranges.isEmpty ? [:] : await request.administration.queueSamples(at: addresses)
        return keys.map { key in
            snapshots[key.queue.address].map { queue in
                var view = QueueObject(queue: queue, extent: extent, context: request.context)
                view.show(samples[key.queue.address], ranges)
                return view.object(columns)
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
        let snapshots = await administration.queueSnapshots(at: [address])
        guard let queue = snapshots[address] else { throw .notFound }
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
