import AMQPWire
import SplitMix
import Testing

@testable import Routing

/// Random changes to a table and to its naive model, and the same messages routed through both.
@Suite struct RoutingModelTests {
    @Test(arguments: UInt64(1)...12)
    func randomTopologiesRouteLikeTheNaiveModel(seed: UInt64) {
        var run = RandomTopology(seed: seed)
        for _ in 0..<400 {
            run.change()
            run.checkProbes()
        }
        run.removeEverything()
        #expect(run.table.bindingCount == 0)
        #expect(run.table.queueCount == 0)
    }

    @Test(arguments: UInt64(1)...4)
    func theOrderOfResultsDoesNotDependOnTheHashSeed(seed: UInt64) {
        var runs = [RandomTopology(seed: seed, hashSeed: 1), RandomTopology(seed: seed, hashSeed: 99)]
        for _ in 0..<300 {
            for index in runs.indices { runs[index].change() }
            for exchange in runs[0].model.exchanges.keys {
                for key in RandomTopology.keys {
                    #expect(runs[0].table.routed(exchange, key) == runs[1].table.routed(exchange, key))
                }
            }
        }
    }
}

private struct RandomTopology {
    static let keys: [ShortString] = ["", "a", "b", "a.b", "a.b.c", "b.a", ".", "a.a.a", "q1", "q2"]
    static let patterns: [ShortString] =
        keys + ["#", "*", "a.#", "#.a", "a.*", "*.b", "#.b.#", "*.*", "a.#.c", "#.#", "#.*.#", "*.#.a"]
    static let values: [FieldValue] = [
        .string("v"), .string("w"), .int32(1), .int64(1), .uint8(2), .bool(true), .void, .double(1), .timestamp(1),
        .int64(1000), .table(["n": .int8(1)]), .array([.int8(1)]), .array([]), .table([:]),
    ]
    static let headerNames: [ShortString] = ["h", "i", "j", "x-h"]

    let table: RoutingTable
    var model = RoutingModel()
    private var generator: SplitMix64
    private var generation: UInt32 = 0
    /// The last version of each exchange and what the probes gave then.
    private var remembered: [ExchangeID: (version: UInt64, results: [Set<QueueAddress>])] = [:]
    private var versionsEver: [ExchangeID: Set<UInt64>] = [:]

    init(seed: UInt64, hashSeed: UInt64 = 7) {
        generator = SplitMix64(seed: seed)
        table = RoutingTable(hashSeed: hashSeed)
    }

    // MARK: - Changes

    mutating func change() {
        switch generator.below(22) {
        case 0, 1: addExchange()
        case 2: if generator.chance(1, in: 2) { removeExchange() }
        case 3, 4: addQueue()
        case 5: removeQueue()
        case 6...14: bind()
        case 15, 16: setAlternate()
        default: unbind()
        }
    }

    private mutating func addExchange() {
        let id = ExchangeID(value: UInt32(1 + generator.below(7)))
        let kind = generator.pick([ExchangeKind.direct, .fanout, .topic, .topic, .headers])
        guard model.exchanges[id] == nil else { return }
        model.exchanges[id] = kind
        table.addExchange(id.value, kind)
        #expect(table.exchange(ShortString(made: "x\(id.value)")) == id)
    }

    /// Also of exchanges that are not there, and to such.
    private mutating func setAlternate() {
        let id = ExchangeID(value: UInt32(1 + generator.below(7)))
        let number: UInt32? = generator.chance(1, in: 4) ? nil : UInt32(1 + generator.below(9))
        if model.exchanges[id] != nil { model.alternates[id] = number }
        table.setAlternate(of: id, to: number.map { ShortString(made: "x\($0)") })
        for id in model.exchanges.keys {
            #expect(table.alternate(of: id)?.value == expectedAlternate(of: id))
        }
    }

    private func expectedAlternate(of id: ExchangeID) -> UInt32? {
        guard let number = model.alternates[id], number != id.value else { return nil }
        return model.exchanges[ExchangeID(value: number)] == nil ? nil : number
    }

    private mutating func removeExchange() {
        let id = ExchangeID(value: UInt32(1 + generator.below(7)))
        model.removeExchange(id)
        table.removeExchange(id)
        #expect(table.exchange(ShortString(made: "x\(id.value)")) == nil)
    }

    private mutating func addQueue() {
        let name = ShortString(made: "q\(generator.below(8))")
        guard !model.queues.values.contains(name) else { return }
        generation += 1
        let address = QueueAddress(shard: generator.below(4), slot: UInt32(generator.below(4)), generation: generation)
        model.queues[address] = name
        table.addQueue(address, name: name)
        #expect(table.queue(name) == address)
    }

    private mutating func removeQueue() {
        guard let address = pickQueue(), let name = model.queues[address] else { return }
        model.removeQueue(address)
        table.removeQueue(address, name: name)
        #expect(table.queue(name) == nil)
    }

    private mutating func bind() {
        guard let binding = makeBinding() else { return }
        let isNew = !model.bindings.contains(binding)
        let versions = versionsByExchange()
        if isNew { model.bindings.append(binding) }
        #expect(table.add(binding) == isNew)
        checkUntouched(versions, isNew ? binding.source : nil)
    }

    private mutating func unbind() {
        let existing = model.bindings.isEmpty || generator.chance(1, in: 4) ? nil : generator.pick(model.bindings)
        guard let binding = existing ?? makeBinding() else { return }
        let versions = versionsByExchange()
        let touched = model.bindings.contains(binding) ? binding.source : nil
        let upstream = touched.map { model.upstream(of: $0) } ?? []
        model.bindings.removeAll { $0 == binding }
        #expect(table.remove(binding) == (touched != nil))
        for (id, version) in versions where !upstream.contains(id) { #expect(table.version(of: id) == version) }
    }

    private mutating func makeBinding() -> Binding? {
        let sources = model.exchanges.keys.filter { $0 != .default }.sorted { $0.value < $1.value }
        guard !sources.isEmpty else { return nil }
        let source = generator.pick(sources)
        var destination = BindingDestination.exchange(generator.pick(sources))
        if generator.chance(3, in: 4) {
            guard let queue = pickQueue() else { return nil }
            destination = .queue(queue)
        }
        var arguments = FieldTable()
        if model.exchanges[source] == .headers || generator.chance(1, in: 8) { arguments = makeTable(limit: 3) }
        if generator.chance(2, in: 3), model.exchanges[source] == .headers {
            arguments["x-match"] = .string(generator.pick(["all", "any", "all-with-x", "any-with-x"]))
        }
        // The table sorts them; the model compares them as they are.
        arguments.entries.sort { $0.name < $1.name }
        return Binding(
            source: source, destination: destination, routingKey: generator.pick(RandomTopology.patterns),
            arguments: arguments)
    }

    private mutating func makeTable(limit: Int) -> FieldTable {
        var table = FieldTable()
        for _ in 0..<generator.below(limit + 1) {
            table[generator.pick(RandomTopology.headerNames)] = generator.pick(RandomTopology.values)
        }
        return table
    }

    private mutating func pickQueue() -> QueueAddress? {
        let queues = model.queues.keys.sorted { ($0.slot, $0.tag) < ($1.slot, $1.tag) }
        return queues.isEmpty ? nil : generator.pick(queues)
    }

    mutating func removeEverything() {
        for (address, name) in model.queues {
            model.removeQueue(address)
            table.removeQueue(address, name: name)
        }
        checkProbes()
        for id in model.exchanges.keys where id != .default {
            model.removeExchange(id)
            table.removeExchange(id)
        }
        checkProbes()
    }

    // MARK: - Checks

    private func versionsByExchange() -> [ExchangeID: UInt64] {
        [ExchangeID: UInt64](uniqueKeysWithValues: model.exchanges.keys.map { ($0, table.version(of: $0)) })
    }

    private func checkUntouched(_ versions: [ExchangeID: UInt64], _ changed: ExchangeID?) {
        let upstream = changed.map { model.upstream(of: $0) } ?? []
        for (id, version) in versions where !upstream.contains(id) { #expect(table.version(of: id) == version) }
    }

    /// Every exchange with some messages: the same queues, none twice, and another version if they are not the queues
    /// of last time.
    mutating func checkProbes() {
        var fixed = SplitMix64(seed: 42)
        let probes = (0..<24).map { index in
            var headers = FieldTable()
            for _ in 0..<fixed.below(4) {
                let name = fixed.pick(RandomTopology.headerNames)
                headers.entries.append(FieldTable.Entry(name: name, value: fixed.pick(RandomTopology.values)))
            }
            return (key: RandomTopology.keys[index % RandomTopology.keys.count], headers: headers)
        }
        for value in UInt32(0)...7 {
            let id = ExchangeID(value: value)
            let results = probes.map { probe in
                let routed = table.routed(id, probe.key, headers: probe.headers)
                let unique = Set(routed)
                #expect(unique.count == routed.count)
                let isThere = model.exchanges[id] != nil
                #expect(unique == (isThere ? model.route(id, probe.key, probe.headers) : []))
                return unique
            }
            let version = table.version(of: id)
            if let last = remembered[id], last.version != version {
                #expect(versionsEver[id, default: []].insert(version).inserted, "a version came back")
            } else if let last = remembered[id] {
                #expect(last.results == results)
            }
            remembered[id] = (version, results)
            #expect(table.dependsOnMessage(id) == (model.exchanges[id] != nil && model.dependsOnMessage(id)))
        }
    }
}
