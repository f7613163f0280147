import AMQPWire
import Testing

@testable import leveretperf

@Suite struct RouteTests {
    private func plan(_ kind: ExchangeKind, bindings: Int, queues: Int, keys: Int, words: Int) -> LoadPlan {
        var plan = LoadPlan(scenario: .throughput)
        plan.exchangeKind = kind
        plan.bindings = bindings
        plan.queues = queues
        plan.keys = keys
        plan.words = words
        return plan
    }

    /// AMQP's rule for topics, word by word.
    private func matches(_ pattern: ArraySlice<Substring>, _ key: ArraySlice<Substring>) -> Bool {
        guard let first = pattern.first else { return key.isEmpty }
        if first == "#" {
            return (0...key.count).contains { matches(pattern.dropFirst(), key.dropFirst($0)) }
        }
        guard let word = key.first, first == "*" || first == word else { return false }
        return matches(pattern.dropFirst(), key.dropFirst())
    }

    @Test(arguments: [2, 3, 20])
    func topicRoutesAreThoseOfTheRuleWordByWord(words: Int) {
        let plan = plan(.topic, bindings: 200, queues: 7, keys: 150, words: words)
        let routes = RoutePlan(plan, prefix: "t")
        for (index, key) in routes.keys.enumerated() {
            let text = key.routingKey.description.split(separator: ".")
            let queues = routes.bindings.filter {
                matches($0.key.description.split(separator: ".")[...], text[...])
            }.map(\.queue)
            #expect(routes.queuesOfKey[index] == Set(queues).sorted())
            #expect(!queues.isEmpty)
        }
    }

    @Test func headersRoutesAreThoseOfTheRuleHeaderByHeader() throws {
        let plan = plan(.headers, bindings: 120, queues: 5, keys: 100, words: 6)
        let routes = RoutePlan(plan, prefix: "h")
        for (index, key) in routes.keys.enumerated() {
            let headers = try #require(key.headers)
            let queues = routes.bindings.filter { binding in
                let wanted = binding.arguments.entries.filter { $0.name != "x-match" }
                let met = wanted.count { headers[$0.name] == $0.value }
                return binding.arguments["x-match"]?.text == "any" ? met > 0 : met == wanted.count
            }.map(\.queue)
            #expect(routes.queuesOfKey[index] == Set(queues).sorted())
        }
    }

    @Test func deliveriesAreCountedOverWholeAndBrokenRounds() {
        let plan = plan(.topic, bindings: 30, queues: 4, keys: 20, words: 3)
        let routes = RoutePlan(plan, prefix: "t")
        let cycle = routes.cycle(of: 0, plan)
        for count in [0, 1, 19, 20, 21, 77] {
            let exact = (0..<count).reduce(0) { $0 + routes.queuesOfKey[cycle.key(at: $1)].count }
            #expect(routes.deliveryCount(cycle, first: count) == exact)
        }
    }

    @Test func pinnedProducersHaveOneQueueEach() {
        var plan = plan(.default, bindings: 3, queues: 3, keys: 3, words: 2)
        plan.producers = 4
        plan.isPinned = true
        let routes = RoutePlan(plan, prefix: "p")
        #expect((0..<4).map { routes.cycle(of: $0, plan).key(at: 5) } == [0, 1, 2, 0])
        plan.isPinned = false
        #expect((0..<3).map { routes.cycle(of: 0, plan).key(at: $0) } == [0, 1, 2])
    }

    /// How many messages were sent follows from the bytes: so all must have one length.
    @Test(arguments: [ExchangeKind.default, .topic, .headers])
    func messagesOfARingHaveOneLength(kind: ExchangeKind) throws {
        var plan = plan(kind, bindings: 12, queues: 12, keys: 12, words: 11)
        plan.bodyByteCount = 5000
        plan.isPersistent = true
        let routes = RoutePlan(plan, prefix: "r")
        let ring = try MessageRing(plan, routes, keys: Array(0..<12), frameMax: 4096)
        #expect(ring.messageCount.isMultiple(of: 12))
        var reader = WireReader(UnsafeRawBufferPointer(start: ring.base, count: ring.byteCount))
        for index in 0..<ring.messageCount {
            let start = reader.remainingCount
            #expect(ring.byteCount - start == index * ring.messageByteCount)
            var body = 0
            var types: [UInt8] = []
            while body < plan.bodyByteCount {
                let type = try reader.readUInt8()
                #expect(try reader.readUInt16() == 1)
                let payload = try reader.readBytes(Int(try reader.readUInt32()))
                #expect(try reader.readUInt8() == Frame.end)
                types.append(type)
                if type == Frame.body { body += payload.count }
            }
            #expect(types == [1, 2, 3, 3])
        }
        #expect(reader.remainingCount == 0)
    }
}

@Suite struct ConfirmWindowTests {
    @Test func confirmsOneByOneInAnyOrderOpenTheWindow() {
        var window = ConfirmWindow(limit: 4)
        #expect(window.allowed == 4)
        for tag in [3, 2, 1] as [UInt64] {
            let isKnown = window.settle(tag: tag, multiple: false, isNack: false, sent: 4, latencies: nil, now: 0)
            #expect(isKnown)
        }
        #expect(window.confirmed == 3 && window.first == 3 && window.allowed == 7)
    }

    @Test func oneForManyCountsEachOnce() {
        var window = ConfirmWindow(limit: 8)
        _ = window.settle(tag: 2, multiple: false, isNack: false, sent: 8, latencies: nil, now: 0)
        _ = window.settle(tag: 5, multiple: true, isNack: false, sent: 8, latencies: nil, now: 0)
        _ = window.settle(tag: 5, multiple: true, isNack: false, sent: 8, latencies: nil, now: 0)
        _ = window.settle(tag: 2, multiple: false, isNack: false, sent: 8, latencies: nil, now: 0)
        #expect(window.confirmed == 5 && window.first == 5)
        // 0 with multiple means all.
        _ = window.settle(tag: 0, multiple: true, isNack: true, sent: 8, latencies: nil, now: 0)
        #expect(window.confirmed == 8 && window.nacked == 3)
    }

    @Test func whatWasNeverSentCannotBeConfirmed() {
        var window = ConfirmWindow(limit: 4)
        for (tag, multiple) in [(5, false), (5, true), (0, false), (UInt64.max, true)] as [(UInt64, Bool)] {
            let isKnown = window.settle(
                tag: tag, multiple: multiple, isNack: false, sent: 4, latencies: nil, now: 0)
            #expect(!isKnown)
        }
        #expect(window.confirmed == 0)
    }

    @Test func anOldUnconfirmedMessageBoundsHowFarOthersRunAhead() {
        var window = ConfirmWindow(limit: 2)
        var sent = 0
        // Message 0 is never confirmed.
        for _ in 0..<100 where window.allowed > sent {
            sent = window.allowed
            for tag in 2...UInt64(max(2, sent)) where tag <= UInt64(sent) {
                _ = window.settle(tag: tag, multiple: false, isNack: false, sent: sent, latencies: nil, now: 0)
            }
        }
        #expect(sent == 4)
        _ = window.settle(tag: 1, multiple: false, isNack: false, sent: sent, latencies: nil, now: 0)
        #expect(window.confirmed == 4 && window.first == 4)
    }
}
