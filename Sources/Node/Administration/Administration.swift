import AMQPWire
import Broker
import Synchronization

/// What administrators do with a running node, whichever interface they do it by. From any thread.
package final class Administration: Sendable {
    package let controlPlane: ControlPlane
    let shards: [Shard]
    let settings: BrokerSettings
    private let turn = Atomic<Int>(0)

    init(controlPlane: ControlPlane, shards: [Shard], settings: BrokerSettings) {
        self.controlPlane = controlPlane
        self.shards = shards
        self.settings = settings
    }

    /// Makes a change and returns when it is on stable storage, and every shard has been told to follow.
    package func change<Result: Sendable>(
        _ body: (ControlPlane) throws(AdministrationError) -> Result
    ) async throws(AdministrationError) -> Result {
        let result = try body(controlPlane)
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

    // MARK: Logging in

    /// nil for who is unknown, or has another password.
    package func authenticate(name: ShortString, password: [UInt8], address: String) async -> AuthenticatedUser? {
        guard let user = settings.user(name: name.bytes, password: password) else { return nil }
        return AuthenticatedUser(name: name, tags: ["administrator"], isLoopbackOnly: user.isLoopbackOnly)
    }

    // MARK: Virtual hosts

    package func hasVirtualHost(_ name: ShortString) -> Bool { controlPlane.hasVirtualHost(name) }

    /// Whether the user may open the virtual host.
    package func mayOpen(_ virtualHost: ShortString, user: ShortString) -> Bool {
        controlPlane.mayOpen(virtualHost, user: user)
    }
}
