import AMQPWire
import Synchronization

/// The routing table of one virtual host: exchanges, queues, bindings, and the way of a message through them.
///
/// Single-threaded and mutable. Every shard keeps a replica of its own, applies the changes of the topology to it in
/// order, and routes from it without a lock and without allocating. A change costs what it touches, never the number of
/// bindings there are:
///
///     exchanges   an array over `ExchangeID`; each with the table of its kind (DirectTable, TopicTrie, ...)
///     queues      numbered records, found by address and by name; marks on them keep results free of duplicates
///     bindings    numbered records, found by their identity; each is in two linked lists, that of its source and that
///                 of its destination, and knows its place in the source's table
///     edges       pairs of exchanges with at least one binding between them, or one the alternate of the other: who
///                 is behind whom
///
/// It trusts its caller, the one place that decides the topology: binding the default exchange, or what is not there,
/// is refused before and ignored here.
@usableFromInline
package final class RoutingTable {
    let hasher: ByteHash
    /// Tells this table's marks in a `RouteBuffer` from those of any other that ever was.
    let number: UInt64

    // Over ExchangeID.value.
    @usableFromInline var versions: UnsafeMutablePointer<UInt64>
    @usableFromInline var exchangeCapacity: Int
    var exchanges: UnsafeMutablePointer<ExchangeRecord>
    var exchangeMarks: UnsafeMutablePointer<UInt64>
    var pending: UnsafeMutablePointer<UInt32>
    var exchangeNames = ByteTable<UInt32>()

    var queues = RecordPool<QueueRecord>()
    var queueNames = ByteTable<UInt32>()
    var queueIndex = HashSlots()

    var bindings = RecordPool<BindingRecord>()
    var bindingIndex = HashSlots()

    /// The names of alternate exchanges by exchange, and who uses each name.
    var alternateNames: [UInt32: ShortString] = [:]
    var alternateUsers: [ShortString: Set<UInt32>] = [:]

    var edges = RecordPool<ExchangeEdge>()
    var edgeIndex = HashSlots()
    /// Moves on when an edge or an exchange comes or goes.
    var graphVersion: UInt64 = 1

    /// Moves on with every change and every new result: queues marked with it are in the result.
    var epoch: UInt64 = 0
    /// Moves on with every walk over exchanges: exchanges marked with it have been met.
    var walkNumber: UInt64 = 0
    var lastVersion: UInt64 = 0

    var argumentBytes = OutboundBuffer()

    private static let tableCount = Atomic<UInt64>(0)

    /// A table with nothing but the default exchange.
    package convenience init() {
        self.init(hashSeed: ByteHash.processSeed)
    }

    /// - Parameter hashSeed: nothing that is routed depends on it.
    init(hashSeed: UInt64) {
        hasher = ByteHash(seed: hashSeed)
        number = RoutingTable.tableCount.wrappingAdd(1, ordering: .relaxed).newValue
        exchangeCapacity = 0
        versions = .allocate(capacity: 0)
        exchanges = .allocate(capacity: 0)
        exchangeMarks = .allocate(capacity: 0)
        pending = .allocate(capacity: 0)
        addExchange(.default, name: "", kind: .direct)
    }

    deinit {
        for index in 0..<exchangeCapacity where exchanges[index].isPresent {
            removeExchange(ExchangeID(value: UInt32(index)))
        }
        versions.deallocate()
        exchanges.deallocate()
        exchangeMarks.deallocate()
        pending.deallocate()
        exchangeNames.deallocate()
        queues.deallocate()
        queueNames.deallocate()
        queueIndex.deallocate()
        bindings.deallocate()
        bindingIndex.deallocate()
        edges.deallocate()
        edgeIndex.deallocate()
        argumentBytes.deallocate()
    }

    // MARK: - Looking up

    /// "" is the default exchange.
    package func exchange(named name: UnsafeRawBufferPointer) -> ExchangeID? {
        let index = exchangeNames.find(name, hasher)
        return index == noIndex ? nil : ExchangeID(value: exchangeNames[index].pointee.value)
    }

    package func queue(named name: UnsafeRawBufferPointer) -> QueueAddress? {
        let index = queueNames.find(name, hasher)
        return index == noIndex ? nil : queues[queueNames[index].pointee.value].pointee.address
    }

    /// A number that changes whenever a route through this exchange may have changed, also because an exchange behind
    /// it did, and that never comes back, even when the id stands for another exchange. 0 for an id never used.
    @inlinable
    package func version(of id: ExchangeID) -> UInt64 {
        Int(id.value) < exchangeCapacity ? versions[Int(id.value)] : 0
    }

    /// Whether a queue is at that address.
    package func contains(_ address: QueueAddress) -> Bool { findQueue(address) != noIndex }

    var queueCount: Int { queues.count }
    var bindingCount: Int { bindings.count }

    func isPresent(_ id: ExchangeID) -> Bool {
        Int(id.value) < exchangeCapacity && exchanges[Int(id.value)].isPresent
    }

    @inline(__always)
    func findQueue(_ address: QueueAddress) -> UInt32 {
        let queues = queues
        return queueIndex.find(hash(of: address)) { queues[$0].pointee.address == address }
    }

    @inline(__always)
    func hash(of address: QueueAddress) -> UInt32 {
        UInt32(truncatingIfNeeded: hasher.hash(UInt64(address.slot), UInt64(address.tag)))
    }
}

/// An exchange of a `RoutingTable`.
struct ExchangeRecord: BitwiseCopyable {
    var isPresent = false
    var kind = ExchangeKind.direct
    /// Its entry in the table of names.
    var name = noIndex
    /// The table of its kind: `DirectTable`, `TopicTrie`, `HeadersTable`, `ConsistentHashTable`, `ModulusHashTable`, or
    /// `TargetList` for fanout and random. nil for the default
    /// exchange, which routes by the names of queues.
    var table: UnsafeMutableRawPointer?
    /// The first of the bindings it is the source of, and of those it is the destination of.
    var bindings = noIndex
    var incomingBindings = noIndex
    /// The first of the edges to exchanges right behind it, and from those right before it.
    var edges = noIndex
    var incomingEdges = noIndex
    /// Whether a route depends on more of a message than its routing key.
    var dependsOnMessage = false
    /// What `dependsOnMessage(_:)` found, here and behind, when the graph had this version.
    var checkedGraphVersion: UInt64 = 0
    var wayDependsOnMessage = false
    /// The exchange that gets what leads nowhere.
    var alternate = noIndex
    /// The queue before the bindings, and which messages it takes.
    var gate = noIndex
    var gateKind: ExchangeGates = []

    var direct: UnsafeMutablePointer<DirectTable>? { table?.assumingMemoryBound(to: DirectTable.self) }
    var list: UnsafeMutablePointer<TargetList>? { table?.assumingMemoryBound(to: TargetList.self) }
    var topic: UnsafeMutablePointer<TopicTrie>? { table?.assumingMemoryBound(to: TopicTrie.self) }
    var headers: UnsafeMutablePointer<HeadersTable>? { table?.assumingMemoryBound(to: HeadersTable.self) }
    var consistentHash: UnsafeMutablePointer<ConsistentHashTable>? {
        table?.assumingMemoryBound(to: ConsistentHashTable.self)
    }
    var modulusHash: UnsafeMutablePointer<ModulusHashTable>? { table?.assumingMemoryBound(to: ModulusHashTable.self) }
}

/// A binding of a `RoutingTable`.
struct BindingRecord: BitwiseCopyable {
    var hash: UInt32
    var source: UInt32
    var target: Target
    var keyCount: UInt32
    var argumentByteCount: UInt32
    /// The binding key, then the arguments as on the wire, sorted by name; nil when both are empty.
    var bytes: UnsafeMutableRawPointer?
    /// Where it is in its source's table.
    var place: UInt32 = noIndex
    var position: UInt32 = noIndex
    // In the lists of its source and of its destination.
    var sourcePrevious = noIndex
    var sourceNext = noIndex
    var destinationPrevious = noIndex
    var destinationNext = noIndex

    var key: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: Int(keyCount)) }

    var arguments: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes.map { $0 + Int(keyCount) }, count: Int(argumentByteCount))
    }
}

/// At least one binding from one exchange to another.
struct ExchangeEdge: BitwiseCopyable {
    var source: UInt32
    var destination: UInt32
    var bindingCount: UInt32 = 1
    // In the lists of its source and of its destination.
    var sourcePrevious = noIndex
    var sourceNext = noIndex
    var destinationPrevious = noIndex
    var destinationNext = noIndex
}
