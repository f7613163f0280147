import Testing

@testable import leveretperf

/// A ledger that is told what was published and what came.
private struct Fixture {
    var plan = LoadPlan(scenario: .throughput)
    let ledger: Ledger
    let routes: RoutePlan

    init(_ change: (inout LoadPlan) -> Void = { _ in }) {
        plan.verifies = true
        change(&plan)
        routes = RoutePlan(plan, prefix: "test")
        ledger = Ledger(plan, routes)
    }

    func stamp(_ number: Int, producer: Int = 0) -> Stamp? {
        var body: (UInt64, UInt64) = (0, 0)
        return withUnsafeMutableBytes(of: &body) { bytes in
            guard let base = bytes.baseAddress else { return nil }
            Stamp.write(producer: producer, number: number, time: 5, secret: 9, to: base)
            return Stamp(base, secret: 9)
        }
    }

    /// Delivers on one connection.
    func deliver(_ numbers: [Int], queue: Int = 0, producer: Int = 0) {
        let verifier = DeliveryVerifier(ledger, plan)
        for number in numbers { deliver(number, by: verifier, queue: queue, producer: producer) }
    }

    func deliver(
        _ number: Int, by verifier: DeliveryVerifier, queue: Int = 0, producer: Int = 0, isRedelivered: Bool = false
    ) {
        let tag = Array(DeliveryVerifier.consumerTag(queue: queue).utf8)
        tag.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            verifier.begin(consumerTag: base, count: bytes.count, isRedelivered: isRedelivered)
        }
        verifier.complete(stamp(number, producer: producer))
    }
}

@Suite struct LedgerTests {
    @Test func everythingInOrderIsClean() {
        let fixture = Fixture()
        fixture.deliver(Array(0..<50_000))
        let result = fixture.ledger.result(published: [50_000])
        #expect(result.isClean && result.expected == 50_000 && result.received == 50_000)
    }

    @Test(arguments: [0, 17, 16383, 16384, 49_999])
    func oneLostMessageIsFound(lost: Int) {
        let fixture = Fixture()
        fixture.deliver((0..<50_000).filter { $0 != lost })
        let result = fixture.ledger.result(published: [50_000])
        #expect(result.lost == 1 && !result.isClean)
        #expect(result.duplicates == 0 && result.reordered == 0)
    }

    @Test(arguments: [0, 100, 20_000, 39_999])
    func oneDuplicateIsFoundAlsoLongAfterwards(number: Int) {
        let fixture = Fixture()
        let verifier = DeliveryVerifier(fixture.ledger, fixture.plan)
        for index in 0..<40_000 { fixture.deliver(index, by: verifier) }
        // On another connection: it is no matter of order.
        fixture.deliver([number])
        let result = fixture.ledger.result(published: [40_000])
        #expect(result.duplicates == 1 && result.lost == 0 && result.reordered == 0 && !result.isClean)
    }

    @Test func whatTheBrokerMarksAsRedeliveredIsNoFault() {
        let fixture = Fixture()
        let verifier = DeliveryVerifier(fixture.ledger, fixture.plan)
        for index in 0..<10 { fixture.deliver(index, by: verifier) }
        fixture.deliver(3, by: verifier, isRedelivered: true)
        let result = fixture.ledger.result(published: [10])
        #expect(result.isClean && result.redelivered == 1)
    }

    @Test func oneReorderedMessageIsFound() {
        let fixture = Fixture()
        fixture.deliver([0, 1, 3, 2, 4])
        let result = fixture.ledger.result(published: [5])
        #expect(result.reordered == 1 && result.lost == 0 && result.duplicates == 0 && !result.isClean)
    }

    @Test func twoConsumersOfOneQueueMayInterleave() {
        let fixture = Fixture()
        fixture.deliver(Array(stride(from: 1, to: 1000, by: 2)))
        fixture.deliver(Array(stride(from: 0, to: 1000, by: 2)))
        #expect(fixture.ledger.result(published: [1000]).isClean)
    }

    @Test func bodiesOfOthersAreCorrupt() {
        let fixture = Fixture()
        fixture.ledger.receive(queue: 0, nil, isRedelivered: false)
        let result = fixture.ledger.result(published: [0])
        #expect(result.corrupt == 1 && result.lost == 0 && !result.isClean)
    }

    @Test func aQueueThatGetsAnothersMessageIsFound() {
        let fixture = Fixture { plan in
            plan.queues = 2
            plan.keys = 2
        }
        // Messages go to both queues in turn; number 1 belongs to the second.
        fixture.deliver([0, 1, 2], queue: 0)
        let result = fixture.ledger.result(published: [4])
        #expect(result.misrouted == 1 && result.lost == 2)
    }

    @Test func aMessageMissingInOneQueueOfAFanoutIsFound() {
        let fixture = Fixture { plan in
            plan.scenario = .fanout
            plan.exchangeKind = .fanout
            plan.isBroadcast = true
            plan.queues = 3
            plan.producers = 2
        }
        for queue in 0..<3 {
            fixture.deliver(Array(0..<100), queue: queue)
            fixture.deliver((0..<100).filter { queue != 2 || $0 != 40 }, queue: queue, producer: 1)
        }
        let result = fixture.ledger.result(published: [100, 100])
        #expect(result.expected == 600 && result.lost == 1)
    }

    @Test func stampsOfAnotherRunAreNone() {
        var body: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &body) { bytes in
            guard let base = bytes.baseAddress else { return }
            Stamp.write(producer: 3, number: 123_456_789, time: 987_654_321, secret: 1, to: base)
            #expect(
                Stamp(base, secret: 1).map { [$0.producer, $0.number, Int($0.time)] } == [3, 123_456_789, 987_654_321])
            #expect(Stamp(base, secret: 2) == nil)
            // A flipped bit anywhere shows.
            for bit in 0..<128 {
                let byte = base + bit / 8
                byte.storeBytes(of: byte.load(as: UInt8.self) ^ 1 << UInt8(bit % 8), as: UInt8.self)
                #expect(Stamp(base, secret: 1) == nil)
                byte.storeBytes(of: byte.load(as: UInt8.self) ^ 1 << UInt8(bit % 8), as: UInt8.self)
            }
        }
    }
}
