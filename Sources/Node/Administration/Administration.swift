import AMQPWire
import Broker
import Logging
import Synchronization

/// What administrators do with a running node, whichever interface they do it by. From any thread.
package final class Administration: Sendable {
    package let controlPlane: ControlPlane
    let shards: [Shard]
    let settings: BrokerSettings
    private let logger: Logger
    private let turn = Atomic<Int>(0)
    let directory: QueueDirectory

    init(controlPlane: ControlPlane, shards: [Shard], settings: BrokerSettings, logger: Logger) {
        self.logger = logger
        self.controlPlane = controlPlane
        self.shards = shards
        self.settings = settings
        directory = QueueDirectory(controlPlane: controlPlane, shards: shards)
    }

    /// Makes a change and returns when it is on stable storage, and every shard has been told to follow.
    ///
    /// - Parameter user: who makes it, for those who listen to events.
    package func change<Result: Sendable>(
        by user: ShortString = BrokerEvent.internalUser,
        _ body: (ControlPlane) throws(AdministrationError) -> Result
    ) async throws(AdministrationError) -> Result {
        let result = try ControlPlane.acting(as: user) { () throws(AdministrationError) in try body(controlPlane) }
        try await settle()
        return result
    }

    /// Returns when everything that was changed before is on stable storage: once for many changes.
    package func settle() async throws(AdministrationError) {
        for shard in shards.dropFirst() { shard.followTopology() }
        guard await shards[0].waitUntilStateIsStable() else { throw .unavailable("the node is being stopped") }
    }

    /// The shards in turn: what is declared lives on the shard where it is declared.
    func nextShard() -> Shard {
        let turn = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return shards[Int(UInt(bitPattern: turn) % UInt(shards.count))]
    }

    package var shardCount: Int { shards.count }

    /// How much of a core the busiest shard uses.
    package var busiestShard: Double { Double(shards.map(\.load.busy).max() ?? 0) / 1000 }

    // MARK: Logging in

    /// Guessing passwords takes its time.
    private static let refusalNanoseconds: UInt64 = 1_000_000_000
    /// So many wait at once; beyond that the answer comes as soon as RabbitMQ's.
    package static let waitingRefusalLimit = 64
    private let waitingRefusals = Mutex(0)

    /// nil for who is unknown, has another password, or may log in from this machine only and has not.
    package func authenticate(
        name: ShortString, password: [UInt8], address: String, isLoopback: Bool
    ) async -> AuthenticatedUser? {
        let outcome = controlPlane.authenticate(
            name: name.bytes, password: password, from: address, isLoopback: isLoopback, by: .http)
        switch outcome {
        case .accepted(let user): return AuthenticatedUser(name: user.name, tags: user.tags)
        case .refused(let reason):
            logger.warning("HTTP access denied: \(singleLine(reason, maxBytes: 512))")
            await delayRefusal()
            return nil
        }
    }

    private func delayRefusal() async {
        let mayWait = waitingRefusals.withLock { waiting in
            guard waiting < Self.waitingRefusalLimit else { return false }
            waiting += 1
            return true
        }
        guard mayWait else { return }
        try? await Task.sleep(nanoseconds: Self.refusalNanoseconds)
        waitingRefusals.withLock { $0 -= 1 }
    }

    /// Refused logins that wait for their answer.
    package var waitingRefusalCount: Int { waitingRefusals.withLock { $0 } }

    // MARK: Virtual hosts

    package func hasVirtualHost(_ name: ShortString) -> Bool { controlPlane.hasVirtualHost(name) }

    /// Whether the user may open the virtual host.
    package func mayOpen(_ virtualHost: ShortString, user: ShortString) -> Bool {
        controlPlane.mayOpen(virtualHost, user: user)
    }
}
