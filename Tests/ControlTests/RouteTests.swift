import AMQPWire
import JSON
import Routing
import SplitMix
import Testing

@testable import leveretctl

@Suite struct RouteTests {
    typealias Snapshot = TopologySnapshot

    private func topology(
        _ exchanges: [Snapshot.Exchange], queues: [String], _ bindings: [Snapshot.Binding]
    ) -> Snapshot {
        var topology = Snapshot()
        for exchange in exchanges { topology.exchanges[exchange.name] = exchange }
        for queue in queues { topology.queues[queue] = Snapshot.Queue(name: queue) }
        topology.bindings = Dictionary(grouping: bindings, by: \.source)
        return topology
    }

    private func shop() -> Snapshot {
        topology(
            [
                .init(name: "orders", type: "topic", alternate: "unrouted"), .init(name: "audit", type: "fanout"),
                .init(name: "unrouted", type: "fanout"), .init(name: "documents", type: "headers"),
                .init(name: "lost", type: "direct", alternate: "nowhere"),
            ],
            queues: ["billing", "log", "dead", "archive"],
            [
                .init(source: "orders", destination: "billing", key: "order.*"),
                .init(source: "orders", destination: "audit", isToQueue: false, key: "order.#"),
                .init(source: "audit", destination: "log"), .init(source: "audit", destination: "billing"),
                .init(source: "audit", destination: "orders", isToQueue: false),
                .init(source: "unrouted", destination: "dead"),
                .init(source: "documents", destination: "archive", arguments: ["x-match": "any", "type": "invoice"]),
            ])
    }

    private func route(_ topology: Snapshot, _ exchange: String, _ message: ProbeMessage) -> (RouteFinder, Tree) {
        var finder = RouteFinder(topology, message)
        let tree = finder.find(from: exchange)
        return (finder, tree)
    }

    @Test func theWayIsDrawn() {
        let (finder, tree) = route(shop(), "orders", ProbeMessage(routingKey: "order.created"))
        #expect(
            tree.lines(width: nil) == [
                "exchange orders (topic) gets a message with key 'order.created'",
                "├── 'order.#' → exchange audit (fanout)", "│   ├── → queue billing", "│   ├── → queue log",
                "│   └── → exchange orders (topic), as above", "└── 'order.*' → queue billing",
            ])
        #expect(finder.queues == ["billing", "log"])
        #expect(finder.possibleQueues.isEmpty)
    }

    @Test func whatMatchesNothingGoesToTheAlternate() {
        let (finder, tree) = route(shop(), "orders", ProbeMessage(routingKey: "other"))
        #expect(
            tree.lines(width: nil).dropFirst() == [
                "└── nothing matches → alternate exchange unrouted (fanout)", "    └── → queue dead",
            ])
        #expect(finder.queues == ["dead"])
        let (lost, missing) = route(shop(), "lost", ProbeMessage(routingKey: "x"))
        #expect(
            missing.lines(width: nil).last == "└── nothing matches → alternate exchange nowhere, which does not exist")
        #expect(lost.queues.isEmpty)
    }

    @Test func headersAndTheDefaultExchangeAreMatched() {
        let matching = ProbeMessage(routingKey: "", headers: ["type": "invoice", "pages": 3])
        #expect(route(shop(), "documents", matching).0.queues == ["archive"])
        #expect(route(shop(), "documents", ProbeMessage(routingKey: "")).0.queues.isEmpty)
        #expect(route(shop(), "", ProbeMessage(routingKey: "log")).0.queues == ["log"])
        let copies = ProbeMessage(routingKey: "log", headers: ["CC": ["dead"], "BCC": ["none"]])
        #expect(route(shop(), "", copies).0.queues == ["log", "dead"])
    }

    @Test func choicesOfTheBrokerAreToldAsChoices() {
        let bindings = ["a", "b"].map { Snapshot.Binding(source: "x", destination: $0, key: "1") }
        for type in ["x-random", "x-consistent-hash", "x-unheard-of"] {
            let topology = topology([.init(name: "x", type: type)], queues: ["a", "b"], bindings)
            let (finder, _) = route(topology, "x", ProbeMessage(routingKey: "k"))
            #expect(finder.queues.isEmpty)
            #expect(finder.possibleQueues == ["a", "b"])
        }
        var topology = topology([.init(name: "x", type: "x-consistent-hash")], queues: ["a", "b"], bindings)
        topology.isLeveret = true
        let (finder, _) = route(topology, "x", ProbeMessage(routingKey: "k"))
        #expect(finder.queues.count == 1)
    }

    /// Names that meet those that are used inside must not trap.
    @Test func hostileNamesAreSafe() {
        let names = ["\u{0}", "0", "1", "x", "\u{0}1x", String(repeating: "n", count: 300)]
        let bindings = names.flatMap { name in
            [true, false].map { Snapshot.Binding(source: "x", destination: name, isToQueue: $0, key: "1") }
        }
        for type in ["x-consistent-hash", "direct", "x-modulus-hash", "topic"] {
            var topology = topology(
                (names + ["x"]).map { .init(name: $0, type: type) }, queues: names, bindings + bindings)
            topology.isLeveret = true
            let (finder, _) = route(topology, "x", ProbeMessage(routingKey: "1"))
            #expect(!finder.steps.isEmpty)
        }
    }

    /// What is drawn from the matches of single exchanges is what the broker's table routes to as a whole.
    @Test(arguments: 0..<200)
    func theTreeReachesWhatTheBrokersTableReaches(seed: UInt64) {
        var random = SplitMix64(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ 1)
        let keys = ["a", "a.b", "a.b.c", "#", "*", "a.*", "a.#", "*.b.#", ""]
        let exchanges = (1...6).map { "e\($0)" }
        let queues = (1...6).map { "q\($0)" }
        let types = ["direct", "fanout", "topic", "headers"]
        var topology = Snapshot()
        for name in exchanges {
            var exchange = Snapshot.Exchange(name: name, type: types.randomElement(using: &random) ?? "direct")
            if Bool.random(using: &random) { exchange.alternate = (exchanges + ["none"]).randomElement(using: &random) }
            topology.exchanges[name] = exchange
        }
        for name in queues { topology.queues[name] = Snapshot.Queue(name: name) }
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            let isToQueue = Bool.random(using: &random)
            let source = exchanges.randomElement(using: &random) ?? ""
            let binding = Snapshot.Binding(
                source: source,
                destination: (isToQueue ? queues : exchanges).randomElement(using: &random) ?? "",
                isToQueue: isToQueue, key: keys.randomElement(using: &random) ?? "",
                arguments: Bool.random(using: &random) ? [:] : ["x-match": "any", "h": .number(seed % 2)])
            topology.bindings[source, default: []].append(binding)
        }
        for exchange in exchanges + [""] {
            for key in ["a", "a.b", "a.b.c", "", "q1"] {
                let message = ProbeMessage(routingKey: key, headers: ["h": 1, "CC": ["a"]])
                let (finder, tree) = route(topology, exchange, message)
                let expected = wholeTable(topology, exchange, message)
                #expect(finder.queues == expected, "\(tree.lines(width: nil).joined(separator: "\n"))")
            }
        }
    }

    /// The broker's own table with everything in it.
    private func wholeTable(_ topology: Snapshot, _ exchange: String, _ message: ProbeMessage) -> Set<String> {
        let table = RoutingTable()
        var ids: [String: ExchangeID] = ["": .default]
        var addresses: [String: QueueAddress] = [:]
        let kinds: [String: ExchangeKind] = [
            "direct": .direct, "fanout": .fanout, "topic": .topic, "headers": .headers,
        ]
        for other in topology.exchanges.values where !other.name.isEmpty {
            let id = ExchangeID(value: UInt32(ids.count))
            ids[other.name] = id
            table.addExchange(id, name: ShortString(truncating: other.name), kind: kinds[other.type] ?? .direct)
        }
        for other in topology.exchanges.values {
            if let id = ids[other.name], let alternate = other.alternate {
                table.setAlternate(of: id, to: ShortString(truncating: alternate))
            }
        }
        for (slot, name) in topology.queues.keys.enumerated() {
            let address = QueueAddress(shard: 0, slot: UInt32(slot), generation: 1)
            addresses[name] = address
            table.addQueue(address, name: ShortString(truncating: name))
        }
        for binding in topology.bindings.values.flatMap({ $0 }) {
            let destination =
                binding.isToQueue
                ? addresses[binding.destination].map { BindingDestination.queue($0) }
                : ids[binding.destination].map { BindingDestination.exchange($0) }
            guard let source = ids[binding.source], let destination else { continue }
            table.add(
                Binding(
                    source: source, destination: destination, routingKey: ShortString(truncating: binding.key),
                    arguments: FieldTable(json: binding.arguments)))
        }
        var wire = OutboundBuffer()
        wire.write(FieldTable(json: message.headers))
        var buffer = RouteBuffer()
        defer {
            wire.deallocate()
            buffer.deallocate()
        }
        Array(message.routingKey.utf8).withUnsafeBytes { key in
            var routed = RoutedMessage(routingKey: key)
            routed.copies = message.copies.map { ShortString(truncating: $0) }
            routed.headers = UnsafeRawBufferPointer(rebasing: wire.bytes.dropFirst(4))
            table.route(ids[exchange] ?? .default, routed, into: &buffer)
        }
        let reached = (0..<buffer.count).map { buffer[$0] }
        return Set(addresses.filter { reached.contains($0.value) }.keys)
    }

    @Test func theTopologyIsDrawn() {
        var drawing = TopologyDrawing(shop())
        #expect(
            drawing.drawAll(hasUnbound: false).lines(width: nil) == [
                "virtual host /", "├── exchange documents (headers)",
                "│   └── x-match=any type=invoice → queue archive", "├── exchange lost (direct)",
                "│   └── otherwise → alternate exchange nowhere, which does not exist",
                "└── exchange audit (fanout)", "    ├── → queue billing", "    ├── → queue log",
                "    └── → exchange orders (topic)", "        ├── 'order.#' → exchange audit (fanout), as above",
                "        ├── 'order.*' → queue billing",
                "        └── otherwise → alternate exchange unrouted (fanout)", "            └── → queue dead",
            ])
    }

    @Test func watchingChangesNoRoute() {
        let shop = shop()
        let billing = TailPlan(queue: "billing", shop)
        #expect(billing.bindings.map(\.source) == ["audit", "orders"])
        // It has an alternate exchange: only what is routed anyway is watched.
        let orders = TailPlan(exchange: shop.exchanges["orders"] ?? .init(name: ""), keys: [], shop)
        #expect(orders.bindings.map(\.key) == ["order.#", "order.*"])
        let documents = TailPlan(exchange: shop.exchanges["documents"] ?? .init(name: ""), keys: [], shop)
        #expect(documents.bindings.map(\.arguments) == [["x-match": "all"]])
        #expect(TailPlan.mayBeWatched(Snapshot.Exchange(name: "x", type: "x-random")) == false)
    }
}
