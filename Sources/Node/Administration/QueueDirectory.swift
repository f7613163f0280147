import AMQPWire
import Broker
import Routing
import Synchronization

/// The queues of each virtual host, sorted by name. Read from the shards, and kept as long as none comes or goes: who
/// asks for a page of a hundred thousand queues each second shall not have them all sorted each second.
final class QueueDirectory: Sendable {
    private struct Lists {
        let version: UInt64
        let lists: [Int: [QueueReference]]
    }

    private let controlPlane: ControlPlane
    private let shards: [Shard]
    private let latest = Mutex<Lists?>(nil)

    /// Queues that are named in one turn of a shard.
    private static let stepCount = 512

    init(controlPlane: ControlPlane, shards: [Shard]) {
        self.controlPlane = controlPlane
        self.shards = shards
    }

    /// By virtual host, as shards know it.
    func queues() async -> [Int: [QueueReference]] {
        // What comes or goes meanwhile makes the lists old at once.
        let version = controlPlane.queueSetVersion
        if let kept = latest.withLock({ $0 }), kept.version == version { return kept.lists }
        var found: [Int: [QueueReference]] = [:]
        for shard in shards {
            let own = await shard.walk([Int: [QueueReference]]()) { state, start, references in
                state.addReferences(from: start, limit: Self.stepCount, to: &references)
            }
            found.merge(own, uniquingKeysWith: +)
        }
        let lists = found.mapValues { $0.sortedByName() }
        latest.withLock { $0 = Lists(version: version, lists: lists) }
        return lists
    }
}

extension [QueueReference] {
    /// By the bytes of their names. Eight bytes behind what all begin with tell most names apart, so that names are
    /// looked at once, not again and again.
    func sortedByName() -> [QueueReference] {
        guard count > 1, let first else { return self }
        var common = first.name.count
        for reference in self where common > 0 {
            common = Swift.min(common, Self.commonPrefix(reference.name.bytes, first.name.bytes, limit: common))
        }
        var order = indices.map { (key: Self.key(of: self[$0].name.bytes, from: common), index: Int32($0)) }
        order.sort { left, right in
            left.key != right.key
                ? left.key < right.key : self[Int(left.index)].name < self[Int(right.index)].name
        }
        return order.map { self[Int($0.index)] }
    }

    private static func commonPrefix(_ left: [UInt8], _ right: [UInt8], limit: Int) -> Int {
        var count = 0
        while count < limit, count < left.count, left[count] == right[count] { count += 1 }
        return count
    }

    /// In the order of bytes; shorter names before longer ones, except for trailing zeros.
    private static func key(of name: [UInt8], from start: Int) -> UInt64 {
        var key: UInt64 = 0
        for index in start..<start + 8 { key = key << 8 | (index < name.count ? UInt64(name[index]) : 0) }
        return key
    }
}
