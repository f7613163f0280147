import AMQPWire
import Journal
import Routing
import Synchronization

/// The one serial place where the topology changes, and the history from which shards follow it.
///
/// Declaring, binding and deleting take its lock for some microseconds; publishing and delivering never do. A change is
/// appended to the history and then the version is published with a release store, before any `-ok` is sent. A shard
/// compares the version once per batch that it reads, so whoever learned of a `declare-ok` sees what was declared.
package final class ControlPlane: Sendable {
    private let topology: Mutex<Topology>
    private let latestVersion = Atomic<UInt64>(0)
    private let latestStatePosition = Atomic<UInt64>(0)
    let settings: AccessSettings
    private let isHeard = Atomic<Bool>(false)

    /// Who changes something by the calls of an administrator, for those who listen to events.
    @TaskLocal package static var actingUser = BrokerEvent.internalUser

    struct Topology {
        var virtualHosts: [VirtualHostTopology] = []
        var virtualHostIndexes: [ShortString: Int] = [:]
        var log = TopologyLog()
        var users: [ShortString: UserRecord] = [:]
        var access = AccessTable()
        var usage: [ShortString: UserUsage] = [:]
        var logins = LoginAttempts()
        /// Whether the journal has all users there are.
        var hasJournaledUsers = false
        /// By virtual host.
        var parameters: [ShortString: [ParameterName: FieldValue]] = [:]
        var globalParameters: [ShortString: FieldValue] = [:]
        /// How far each shard is.
        var applied: [UInt64]

        var version: UInt64 { log.version }

        /// The one that a new data directory begins with.
        var defaultVirtualHost: ShortString
        /// The one that has the event exchange.
        let eventVirtualHost: ShortString
        /// Of the node as a whole.
        let limits: NodeLimits
        let nodeName: String

        /// Returns false when it was there.
        @discardableResult
        mutating func addVirtualHost(_ name: ShortString) -> Bool {
            guard virtualHostIndexes[name] == nil else { return false }
            virtualHostIndexes[name] = virtualHosts.count
            virtualHosts.append(
                VirtualHostTopology(
                    name: name, index: virtualHosts.count, hasEventExchange: name == eventVirtualHost, changes: &log))
            log.journal(.virtualHostAdded(name))
            return true
        }
    }

    /// Sets of shards are the bits of a word.
    package static let shardLimit = 64

    /// - Parameter eventVirtualHost: the virtual host that has the event exchange; nil for the default one.
    package init(
        shardCount: Int, virtualHost: String, access: AccessSettings = AccessSettings(),
        eventVirtualHost: String? = nil, limits: NodeLimits = NodeLimits(), nodeName: String = "leveret@localhost"
    ) {
        precondition(1...Self.shardLimit ~= shardCount)
        let name = ShortString(truncating: virtualHost)
        var topology = Topology(
            applied: Array(repeating: 0, count: shardCount), defaultVirtualHost: name,
            eventVirtualHost: eventVirtualHost.map { ShortString(truncating: $0) } ?? name, limits: limits,
            nodeName: nodeName)
        topology.addVirtualHost(name)
        topology.addDefaultUser(access)
        settings = access
        latestVersion.store(topology.version, ordering: .releasing)
        self.topology = Mutex(topology)
    }

    /// The version that a shard compares with its own.
    @inline(__always)
    var version: UInt64 { latestVersion.load(ordering: .acquiring) }

    /// Whether somebody is bound to the event exchange.
    @inline(__always)
    var hasEventListeners: Bool { isHeard.load(ordering: .relaxed) }

    /// Reads or changes the topology. Changes are published when the body returns, also by throwing.
    func withTopology<Result>(
        _ body: (inout Topology) throws(ProtocolError) -> sending Result
    ) throws(ProtocolError) -> sending Result {
        try topology.withLock { topology throws(ProtocolError) in
            topology.log.actingUser = Self.actingUser
            defer {
                isHeard.store(topology.log.listeningHost != nil, ordering: .relaxed)
                latestStatePosition.store(topology.log.position, ordering: .releasing)
                latestVersion.store(topology.version, ordering: .releasing)
            }
            return try body(&topology)
        }
    }

    /// The changes that a shard has yet to apply. From then on they count as applied by it.
    func takeChanges(shard: Int, after version: UInt64) -> [TopologyChange] {
        topology.withLock { topology in
            if shard == 0, topology.log.takeEvents() { latestVersion.store(topology.version, ordering: .releasing) }
            let changes = Array(topology.log.history[Int(version - topology.log.firstVersion)...])
            topology.applied[shard] = topology.version
            topology.log.trim(seen: topology.applied.min() ?? topology.version)
            return changes
        }
    }

    /// Shards that lag so far behind that the history would grow without bound if they stayed idle.
    func laggingShards() -> [Int] {
        topology.withLock { topology in
            topology.applied.indices.filter { topology.version - topology.applied[$0] > Limit.topologyLag }
        }
    }
}

// The journal's side.
extension ControlPlane {
    /// The position behind the latest durable change, in the state lane: whoever waits for it has everything that was
    /// declared until now on stable storage.
    package var statePosition: UInt64 { latestStatePosition.load(ordering: .acquiring) }

    /// The records since the last time, and the position behind them.
    package func takeStateRecords() -> (records: LaneBuffer, position: UInt64) {
        topology.withLock { ($0.log.takeRecords(), $0.log.position) }
    }

    /// Appends the whole durable state to the state lane, for a checkpoint.
    package func appendSnapshot() {
        topology.withLock { topology in
            var bytes = OutboundBuffer()
            DurableTopology.begin(&bytes, nextJournalNumber: topology.log.nextJournalNumber)
            if topology.virtualHostIndexes[topology.defaultVirtualHost] == nil {
                TopologyStep.virtualHostRemoved(topology.defaultVirtualHost).write(to: &bytes)
            }
            for host in topology.virtualHosts where !host.isRemoved { host.writeDurable(to: &bytes) }
            if topology.hasJournaledUsers { topology.forEachUserStep { $0.write(to: &bytes) } }
            topology.forEachParameterStep { $0.write(to: &bytes) }
            topology.log.journalSnapshot(bytes.bytes)
            bytes.deallocate()
            latestStatePosition.store(topology.log.position, ordering: .releasing)
        }
    }

    /// From now on durable changes are journaled. Called once what was recovered is there.
    ///
    /// - Parameters:
    ///   - strangers: holders of messages in the journal that are not queues any more: a message may be written behind
    ///     the end of its queue.
    ///   - used: new queues get numbers above this one.
    package func beginJournaling(removing strangers: Set<UInt32> = [], numbersAbove used: UInt32 = 0) {
        topology.withLock { topology in
            topology.log.nextJournalNumber = max(topology.log.nextJournalNumber, used &+ 1)
            topology.log.isJournaled = true
            // One that only events need is made as RabbitMQ makes it; the default one stays deleted where it was.
            if topology.eventVirtualHost != topology.defaultVirtualHost {
                topology.addVirtualHost(topology.eventVirtualHost)
                latestVersion.store(topology.version, ordering: .releasing)
            }
            for holder in strangers.sorted() { topology.log.journalRemoval(ofHolder: holder) }
            latestStatePosition.store(topology.log.position, ordering: .releasing)
        }
    }
}
