import Routing

/// The latest routes of a channel: one for the exchange and routing key that it publishes to now, and some of those
/// that it published to before, since many publishers have a handful of them and take them in turn.
struct PublishRoutes {
    /// The latest one.
    private(set) var current: UnsafeMutablePointer<PublishRoute>
    /// By the hash of exchange and routing key; `current` is among them. nil while the channel has published to one
    /// address only.
    private var table: UnsafeMutablePointer<UnsafeMutablePointer<PublishRoute>?>?

    private static let slotCount = 64
    /// A route to more queues is not kept for another time: a channel's routes shall not take much memory.
    private static let queueLimit = 128

    init() { current = Self.make() }

    private static func make() -> UnsafeMutablePointer<PublishRoute> {
        let route = UnsafeMutablePointer<PublishRoute>.allocate(capacity: 1)
        route.initialize(to: PublishRoute())
        return route
    }

    private static func slot(of addressing: UnsafeRawBufferPointer) -> Int {
        Int(truncatingIfNeeded: ByteHash.stable.hash(addressing) % UInt64(slotCount))
    }

    /// The route of these names is the latest one, whether it was among them or has to be found.
    ///
    /// - Parameter letGo: is called with one whose queues are about to be forgotten.
    @inline(__always)
    mutating func select(
        _ addressing: UnsafeRawBufferPointer, letGo: (UnsafeMutablePointer<PublishRoute>) -> Void
    ) {
        if current.pointee.addressing.isEmpty { return current.pointee.begin(addressing) }
        let table = table ?? makeTable()
        let slot = Self.slot(of: addressing)
        let known = table[slot]
        let isWanted = known?.pointee.leads(addressing) ?? false
        if let known, !isWanted { letGo(known) }
        if current.pointee.queues.count > Self.queueLimit {
            letGo(current)
            current.pointee.forgetQueues()
        }
        current = known ?? Self.make()
        table[slot] = current
        if !isWanted { current.pointee.begin(addressing) }
    }

    private mutating func makeTable() -> UnsafeMutablePointer<UnsafeMutablePointer<PublishRoute>?> {
        let table = UnsafeMutablePointer<UnsafeMutablePointer<PublishRoute>?>.allocate(capacity: Self.slotCount)
        table.initialize(repeating: nil, count: Self.slotCount)
        table[Self.slot(of: current.pointee.addressing)] = current
        self.table = table
        return table
    }

    func forEach(_ body: (UnsafeMutablePointer<PublishRoute>) -> Void) {
        guard let table else { return body(current) }
        for slot in 0..<Self.slotCount {
            if let route = table[slot] { body(route) }
        }
    }

    /// All have to be found anew.
    func forget() {
        forEach { $0.pointee.exchange = nil }
    }

    func deallocate() {
        forEach { route in
            route.pointee.deallocate()
            route.deinitialize(count: 1)
            route.deallocate()
        }
        table?.deallocate()
    }
}
