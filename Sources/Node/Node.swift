import Broker
import Journal
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// A broker in this process: shards on their event loops, and the listeners that give them connections.
package final class Node: Service {
    private let configuration: Configuration
    private let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let shards: [Shard]
    private let alarms: ResourceAlarmSource
    private let controlPlane: ControlPlane
    private let progress: JournalProgress
    private let memory: MemoryAccount
    private let storage = Mutex<Storage?>(nil)
    package let administration: Administration
    package let statistics: NodeStatistics
    private let journalMeter = JournalMeter()
    private let cpuLatencyLimit: CPULatencyLimit?
    /// What ends the node: the journal has failed, and nothing may be confirmed any more.
    private let failure = AsyncStream<JournalError>.makeStream()
    private let listeners = Mutex<[Listener]>([])

    /// How long clients have to answer the connection.close of a shutdown.
    private static let shutdownSeconds = 5.0

    package init(configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.shardCount)
        let settings = BrokerSettings(configuration)
        let controlPlane = ControlPlane(
            shardCount: configuration.shardCount, virtualHost: configuration.defaultVHost, access: settings.access,
            eventVirtualHost: configuration.eventVHost, limits: settings.limits, nodeName: settings.nodeName)
        let progress = JournalProgress(shardCount: configuration.shardCount)
        self.controlPlane = controlPlane
        self.progress = progress
        let memoryLimitBytes = configuration.memoryLimitBytes
        let cpuLatencyLimit = configuration.cpuLatencyLimitMicroseconds.map {
            CPULatencyLimit(microseconds: $0, logger: logger)
        }
        self.cpuLatencyLimit = cpuLatencyLimit
        let shards = group.makeIterator().enumerated().map { index, eventLoop in
            var system = SystemRandomNumberGenerator()
            let state = ShardState(
                index: index, shardCount: configuration.shardCount, settings: settings, controlPlane: controlPlane,
                seed: (0..<4).map { _ in system.next() }, now: Clock.now, progress: progress,
                indexMemory: Storage.indexMemory("queues-\(index)", configuration, memoryLimitBytes: memoryLimitBytes))
            return Shard(
                index: index, eventLoop: eventLoop, state: state, cpuLatencyLimit: cpuLatencyLimit, logger: logger)
        }
        self.shards = shards
        administration = Administration(
            controlPlane: controlPlane, shards: shards, settings: settings, logger: logger)
        memory = MemoryAccount(limitBytes: configuration.memoryLimitBytes)
        alarms = ResourceAlarmSource(
            path: configuration.dataDirectory, limitBytes: configuration.diskFreeLimitBytes, memory: memory,
            logger: logger
        ) { alarms in
            for shard in shards { shard.setAlarms(alarms) }
        }
        statistics = NodeStatistics(
            shards: shards, controlPlane: controlPlane,
            process: ProcessMeter(
                memory: memory, alarms: alarms, journal: journalMeter, memoryLimitBytes: memoryLimitBytes,
                diskFreeLimitBytes: configuration.diskFreeLimitBytes),
            sampleMilliseconds: configuration.disablesMetricsCollector
                ? nil : configuration.statisticsIntervalMilliseconds)
    }

    /// Whether the journal has met a full disk: publishers are blocked while it has. From any thread.
    package func setDiskFull(_ isFull: Bool) { alarms.setDiskFull(isFull) }

    /// What the node is short of now.
    package var resourceAlarms: ResourceAlarms { alarms.alarms }

    /// Where clients can connect, once started: `127.0.0.1:5672`.
    package var listeningAddresses: [String] {
        listeners.withLock { listeners in
            listeners.map { listener in
                let host = listener.address.ipAddress ?? ""
                return "\(host.contains(":") ? "[\(host)]" : host):\(listener.address.port ?? 0)"
            }
        }
    }

    /// Recovers what the journal has, and binds the listeners; clients may connect when it returns.
    ///
    /// - Parameter prepare: called in between.
    package func start(
        beforeListening prepare: (Administration) async throws -> Void = { _ in }
    ) async throws(NodeError) {
        let shards = shards
        cpuLatencyLimit?.start()
        let storage = try recover()
        self.storage.withLock { $0 = storage }
        storage.start()
        for shard in shards {
            do {
                try await shard.eventLoop.submit { shard.start(peers: shards, storage: storage) }.get()
            } catch {
                throw NodeError("cannot start: \(error)")
            }
        }
        await alarms.start()
        do {
            try await prepare(administration)
        } catch {
            // In order: what was changed until now is kept.
            _ = await stop()
            throw NodeError("\(error)")
        }
        statistics.start()
        for address in configuration.listeners { try listen(address) }
    }

    private func recover() throws(NodeError) -> Storage {
        let recovery = JournalRecovery(
            configuration: configuration, controlPlane: controlPlane, shards: shards, logger: logger)
        let journal = try recovery.run()
        return Storage(
            journal: journal, configuration: configuration, controlPlane: controlPlane, progress: progress,
            shards: shards, memory: memory, meter: journalMeter, logger: logger,
            diskIsFull: { [alarms] in alarms.setDiskFull($0) },
            failed: { [failure] error in failure.continuation.yield(error) })
    }

    private func listen(_ address: ListenAddress) throws(NodeError) {
        let listener = try Listener(
            address, shards: shards, placement: Placement(policy: configuration.connectionPlacement), logger: logger)
        listeners.withLock { $0.append(listener) }
        listener.start()
    }

    /// Until the graceful shutdown: then no new connections, 320 to the clients, everything written. Throws when the
    /// journal has failed: what is not confirmed by then never is.
    package func run() async throws {
        let journalError = await withTaskGroup(of: JournalError?.self) { group in
            group.addTask {
                try? await gracefulShutdown()
                return nil
            }
            group.addTask { [failure] in
                for await error in failure.stream { return error }
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        var failed = journalError
        if failed == nil { failed = await stop() }
        if let failed {
            logger.critical("the journal has failed, nothing is confirmed any more: \(failed)")
            throw NodeError("the journal has failed: \(failed)")
        }
    }

    /// Returns what has gone wrong with the journal.
    private func stop() async -> JournalError? {
        for listener in listeners.withLock({ $0 }) { listener.stop() }
        await statistics.stop()
        alarms.stop()
        cpuLatencyLimit?.stop()
        for shard in shards { try? await shard.eventLoop.submit { shard.shutDownConnections() }.get() }
        let deadline = Clock.monotonicNanoseconds + UInt64(Self.shutdownSeconds * 1e9)
        while Clock.monotonicNanoseconds < deadline, await connectionCount() > 0 {
            try? await Task.sleep(nanoseconds: 20_000_000)
        }
        for shard in shards { try? await shard.eventLoop.submit { shard.stop() }.get() }
        // What connections have given back may still be on its way between shards.
        for shard in shards + shards { try? await shard.eventLoop.submit { shard.finishTurn() }.get() }
        for shard in shards { try? await shard.eventLoop.submit { shard.finishJournal() }.get() }
        var failure: JournalError?
        if let storage = storage.withLock({ $0 }) {
            failure = await withCheckedContinuation { waiter in
                startThread { waiter.resume(returning: storage.stop()) }
            }
        }
        try? await group.shutdownGracefully()
        if failure == nil { logger.info("stopped") }
        return failure
    }

    private func connectionCount() async -> Int {
        var count = 0
        for shard in shards { count += (try? await shard.eventLoop.submit { shard.connectionCount }.get()) ?? 0 }
        return count
    }
}

extension BrokerSettings {
    init(_ configuration: Configuration) {
        self.init()
        product = configuration.serverProduct
        version = Version.current
        nodeName = configuration.nodeName
        heartbeatSeconds = UInt16(clamping: configuration.heartbeatSeconds)
        frameMax = UInt32(clamping: configuration.frameMax)
        channelMax = UInt16(clamping: configuration.channelMax)
        handshakeTimeoutMilliseconds = UInt64(configuration.handshakeTimeoutMilliseconds)
        probesLockHolders = true
        maxMessageSize = configuration.maxMessageSize
        defaultVirtualHost = configuration.defaultVHost
        defaultQueueType = configuration.defaultQueueType
        access = AccessSettings(configuration)
        limits = configuration.limits
        countsPairs = configuration.ratesMode == "detailed"
    }
}
