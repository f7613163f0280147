import AMQPWire
import Broker
import Routing

/// The queues of each virtual host, sorted by name.
struct QueueLists: Sendable {
    /// By virtual host, as shards know it.
    private var lists: [Int: [QueueReference]]

    init(unsorted: [Int: [QueueReference]]) { lists = unsorted.mapValues { $0.sortedByName() } }

    subscript(virtualHost: Int) -> [QueueReference] { lists[virtualHost] ?? [] }

    /// Brings what came, and takes out what went, in this order.
    mutating func apply(_ changes: [QueueSetChange]) {
        // What happened last to a name is what counts.
        var latest: [Int: [ShortString: QueueAddress?]] = [:]
        for change in changes {
            switch change {
            case .added(let host, let queue): latest[host, default: [:]].updateValue(queue.address, forKey: queue.name)
            case .removed(let host, let name): latest[host, default: [:]].updateValue(nil, forKey: name)
            case .virtualHostRemoved(let host):
                latest[host] = nil
                lists[host] = nil
            }
        }
        for (host, names) in latest {
            let sorted = names.sorted { $0.key < $1.key }
            lists[host, default: []].change(sorted.map { (name: $0.key, address: $0.value) })
        }
    }
}

extension [QueueReference] {
    /// More changes than these are made in one go over the whole list; fewer move what is behind them.
    private static var fewChanges: Int { 64 }

    /// - Precondition: both are sorted by name, and a name has one change: where the queue is, or nil when it is gone.
    fileprivate mutating func change(_ changes: [(name: ShortString, address: QueueAddress?)]) {
        guard changes.count > Self.fewChanges else {
            for change in changes {
                let place = place(of: change.name, from: 0)
                let end = place < count && self[place].name == change.name ? place + 1 : place
                let queues = change.address.map { [QueueReference(name: change.name, address: $0)] } ?? []
                replaceSubrange(place..<end, with: queues)
            }
            return
        }
        var changed: [QueueReference] = []
        changed.reserveCapacity(count + changes.count)
        var start = 0
        for change in changes {
            let place = place(of: change.name, from: start)
            changed += self[start..<place]
            start = place < count && self[place].name == change.name ? place + 1 : place
            if let address = change.address { changed.append(QueueReference(name: change.name, address: address)) }
        }
        changed += self[start...]
        self = changed
    }

    /// The first that is not before the name.
    private func place(of name: ShortString, from start: Int) -> Int {
        var (low, high) = (start, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }

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
