import Routing
import Testing

@testable import Broker

struct UnackedRingTests {
    private func delivery(_ tag: UInt64) -> UnackedDelivery {
        UnackedDelivery(
            tag: tag, queue: QueueAddress(shard: 0, slot: 0, generation: 0),
            entry: QueueEntry(message: fakeMessage(Int(tag)), place: tag), consumer: .none)
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func behavesAsADictionary(seed: UInt64) {
        var random = seededRandom(seed)
        var ring = UnackedRing()
        defer { ring.deallocate() }
        var model: Set<UInt64> = []
        var latest: UInt64 = 0
        for _ in 0..<4_000 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<9:
                // Tags of deliveries without acks leave gaps.
                latest += UInt64.random(in: 1...3, using: &random)
                ring.append(delivery(latest))
                model.insert(latest)
            case 9..<19:
                let tag = UInt64.random(in: latest &- min(latest, 200)...latest + 2, using: &random)
                #expect(ring.contains(tag) == model.contains(tag))
                #expect(ring.take(tag)?.tag == model.remove(tag))
            default:
                let tag = UInt64.random(in: latest &- min(latest, 50)...latest, using: &random)
                while let first = model.min(), first <= tag {
                    #expect(ring.takeFirst(upTo: tag)?.tag == first)
                    model.remove(first)
                }
                #expect(ring.takeFirst(upTo: tag) == nil)
            }
            #expect(ring.count == model.count)
        }
    }

    /// One delivery that stays must not make the ring grow with all that come and go behind it.
    @Test func oldDeliveryIsFoundBehindManyThatWereSettled() {
        var ring = UnackedRing()
        defer { ring.deallocate() }
        ring.append(delivery(1))
        for tag in 2...100_000 as ClosedRange<UInt64> {
            ring.append(delivery(tag))
            #expect(ring.take(tag)?.tag == tag)
        }
        #expect(ring.count == 1)
        #expect(ring.capacity < 1_000)
        #expect(ring.take(50) == nil)
        #expect(ring.take(1)?.tag == 1)
        #expect(ring.isEmpty)
    }

    @Test func tagsThatNeverWereAreNotFound() {
        var ring = UnackedRing()
        defer { ring.deallocate() }
        #expect(ring.take(0) == nil)
        ring.append(delivery(5))
        for tag in [0, 4, 6, UInt64.max, UnackedDelivery.settledBit | 5] { #expect(ring.take(tag) == nil) }
        #expect(ring.count == 1)
    }
}

extension UnackedDelivery: Equatable {
    public static func == (left: Self, right: Self) -> Bool { left.tag == right.tag }
}
