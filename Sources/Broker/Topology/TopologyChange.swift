import AMQPWire
import Routing

/// One step of the topology's history, as every shard applies it to its own routing tables, in order.
enum TopologyChange: Sendable {
    case virtualHostAdded(index: Int)
    case virtualHostRemoved(index: Int)
    /// What its clients publish and get is traced, or not any more.
    case tracingChanged(virtualHost: Int, Bool)
    case exchangeAdded(
        virtualHost: Int, id: ExchangeID, name: ShortString, behaviour: ExchangeBehaviour, isInternal: Bool,
        gate: GatePlace?)
    case alternateChanged(virtualHost: Int, id: ExchangeID, alternate: ShortString?)
    case exchangeRemoved(virtualHost: Int, id: ExchangeID)
    /// - Parameter holder: as in `HolderTable`.
    case queueAdded(virtualHost: Int, name: ShortString, address: QueueAddress, holder: UInt32)
    /// What is published to the queue may be rejected, or not any more.
    case rejectionChanged(QueueAddress, mayReject: Bool)
    case queueRemoved(virtualHost: Int, name: ShortString, address: QueueAddress)
    /// Policies have changed what the queue goes by: for its owner.
    case queueArgumentsChanged(address: QueueAddress, QueueArguments)
    /// Deliveries are stopped, or go on: for its owner.
    case queuePaused(QueueAddress, Bool)
    case bound(virtualHost: Int, Binding)
    case unbound(virtualHost: Int, Binding)
    /// For the event exchange of this virtual host.
    case event(virtualHost: Int, BrokerEvent)
    /// So many events found no place any more.
    case eventsLost(Int)
    /// nil: none any more.
    case permissionsChanged(user: ShortString, virtualHost: ShortString, PermissionPatterns?)
    /// nil: none any more.
    case topicPermissionsChanged(
        user: ShortString, virtualHost: ShortString, exchange: ShortString, TopicPatterns?)
    case impersonationChanged(user: ShortString, isAllowed: Bool)
    /// With all that it was allowed; its connections end.
    case userRemoved(ShortString)
    /// nil: the configuration's again.
    case clusterNameChanged(String?)
}
