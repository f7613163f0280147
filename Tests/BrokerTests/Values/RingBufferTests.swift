import Testing

@testable import Broker

struct RingBufferTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func behavesAsAnArray(seed: UInt64) {
        var random = seededRandom(seed)
        var ring = RingBuffer<Int>()
        defer { ring.deallocate() }
        var model: [Int] = []
        for number in 0..<2_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                ring.append(number)
                model.append(number)
            case 5..<9: #expect(ring.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
            default:
                let divisor = Int.random(in: 2..<5, using: &random)
                ring.removeAll { $0 % divisor == 0 }
                model.removeAll { $0 % divisor == 0 }
            }
            #expect(ring.count == model.count)
            for index in model.indices where ring[index] != model[index] { Issue.record("index \(index) differs") }
        }
    }
}
