import AMQPWire
import Broker
import Routing
import SplitMix
import Testing

@testable import Node

/// The sorted lists of queues that requests are answered from.
@Suite struct QueueListsTests {
    /// As if whole names were compared: with names that have much, little or nothing in common, zeros and any bytes.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func namesAreSortedByTheirBytes(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let common = (0..<random.next() % 12).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let alphabet: [UInt8] = seed % 2 == 0 ? [0, 1] : [0, 65, 66, 255]
        let names = (0..<200).map { _ in
            let own = (0..<random.next() % 14).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            return ShortString(bytes: (seed % 5 == 0 && random.next() % 50 == 0 ? [] : common) + own)
        }
        let address = QueueAddress(shard: 0, slot: 0, generation: 0)
        let references = names.map { QueueReference(name: $0, address: address) }
        #expect(references.sortedByName().map(\.name) == names.sorted())
    }

    /// Few changes and many, of queues that are in the lists already or not, beside a dictionary.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func whatComesAndGoesIsAsIfAllWereReadAnew(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var lists = QueueLists(unsorted: [:])
        var model: [Int: [ShortString: QueueAddress]] = [:]
        for slot in 0..<30 as Range<UInt32> {
            var changes: [QueueSetChange] = []
            for number in 0..<random.next() % (slot % 3 == 0 ? 400 : 8) {
                let host = Int(random.next() % 3)
                let name = ShortString(truncating: "q\(random.next() % 300)")
                let address = QueueAddress(shard: Int(number % 2), slot: slot, generation: UInt32(number))
                if random.next() % 200 == 0 {
                    changes.append(.virtualHostRemoved(host))
                    model[host] = nil
                } else if random.next() % 3 == 0 {
                    changes.append(.removed(virtualHost: host, name: name))
                    model[host]?[name] = nil
                } else {
                    changes.append(.added(virtualHost: host, QueueReference(name: name, address: address)))
                    model[host, default: [:]][name] = address
                }
            }
            lists.apply(changes)
            for host in 0..<3 {
                let expected = (model[host] ?? [:]).sorted { $0.key < $1.key }
                #expect(lists[host].map(\.name) == expected.map(\.key))
                #expect(lists[host].map(\.address) == expected.map(\.value))
            }
        }
    }
}
