import AMQPWire
import Broker
import Routing
import Testing

@testable import Node

@Suite struct QueueDirectoryTests {
    /// As if whole names were compared: with names that have much, little or nothing in common, zeros and any bytes.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func namesAreSortedByTheirBytes(seed: UInt64) {
        var random = SplitMix(state: seed)
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
}

private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
