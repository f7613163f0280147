import AMQPWire
import Broker
import JSON
import Routing

/// What a message says to exchanges.
struct ProbeMessage: Sendable {
    var routingKey: String
    var headers: JSONValue = [:]
    /// More routing keys: of the headers CC and BCC.
    var copies: [String] {
        ["CC", "BCC"].flatMap { headers[$0].items.compactMap(\.text) }
    }
}

/// Which bindings of one exchange a message matches, by the broker's own tables.
///
/// Each binding leads to a queue of its own in a table of this exchange alone. So what the table routes to is the
/// bindings that match.
struct ExchangeMatcher {
    enum Match: Equatable {
        /// All of these, by their positions.
        case all([Int])
        /// One of these, by a choice that only the broker makes.
        case one(of: [Int])
        /// An exchange type that is not known here.
        case unknown
    }

    private let bindings: [TopologySnapshot.Binding]
    private let table = RoutingTable()
    private let kind: ExchangeKind?
    private let isDecidedHere: Bool
    private var positions: [UInt32: [Int]] = [:]
    private var names: Set<ShortString> = [""]

    private static let exchange = ExchangeID(value: 1)

    init(_ exchange: TopologySnapshot.Exchange, _ bindings: [TopologySnapshot.Binding], isLeveret: Bool) {
        self.bindings = bindings
        let type = Self.type(of: exchange)
        kind = type?.kind
        switch kind {
        case .random, nil: isDecidedHere = false
        case .consistentHash, .modulusHash: isDecidedHere = isLeveret
        default: isDecidedHere = true
        }
        guard let kind, isDecidedHere, bindings.count < Int(ExchangeID.limit) else { return }
        // It is called like nothing else: it may be bound to itself, and choices depend on destinations' names alone.
        let name = ShortString(bytes: [0])
        names.insert(name)
        table.addExchange(Self.exchange, name: name, kind: kind, hashSource: Self.hashSource(exchange.arguments))
        if kind == .consistentHash || kind == .modulusHash { addByDestination() } else { addEach() }
    }

    private mutating func addEach() {
        for (index, binding) in bindings.enumerated() {
            let address = QueueAddress(shard: 0, slot: UInt32(index), generation: 1)
            table.addQueue(address, name: unused(String(index)))
            positions[UInt32(index)] = [index]
            add(binding, to: .queue(address))
        }
    }

    /// These choose by the names of destinations: so each destination keeps its own.
    private mutating func addByDestination() {
        let groups = Dictionary(grouping: bindings.indices) { Destination(bindings[$0]) }
        let ordered = groups.sorted { ($0.value.first ?? 0) < ($1.value.first ?? 0) }
        for (number, group) in ordered.enumerated() {
            let address = QueueAddress(shard: 0, slot: UInt32(number), generation: 1)
            let name = unused(group.key.name)
            positions[UInt32(number)] = group.value
            var destination = BindingDestination.queue(address)
            if group.key.isQueue {
                table.addQueue(address, name: name)
            } else {
                let id = ExchangeID(value: UInt32(number) + 2)
                table.addExchange(id, name: name, kind: .fanout)
                table.addQueue(address, name: unused(group.key.name))
                table.add(Binding(source: id, destination: .queue(address), routingKey: ShortString(bytes: [])))
                destination = .exchange(id)
            }
            for position in group.value { add(bindings[position], to: destination) }
        }
    }

    /// The name, or another where it has been given away: what is behind an exchange has to have a name, but is found
    /// by its address.
    private mutating func unused(_ name: String) -> ShortString {
        var unused = ShortString(truncating: name)
        while !names.insert(unused).inserted { unused = ShortString(truncating: "\u{0}\(names.count)\(name)") }
        return unused
    }

    private struct Destination: Hashable {
        let name: String
        let isQueue: Bool

        init(_ binding: TopologySnapshot.Binding) {
            name = binding.destination
            isQueue = binding.isToQueue
        }
    }

    private func add(_ binding: TopologySnapshot.Binding, to destination: BindingDestination) {
        table.add(
            Binding(
                source: Self.exchange, destination: destination, routingKey: ShortString(truncating: binding.key),
                arguments: FieldTable(json: binding.arguments)))
    }

    func match(_ message: ProbeMessage) -> Match {
        guard kind != nil else { return .unknown }
        guard isDecidedHere else { return .one(of: Array(bindings.indices)) }
        var wire = OutboundBuffer()
        defer { wire.deallocate() }
        wire.write(FieldTable(json: message.headers))
        var buffer = RouteBuffer()
        defer { buffer.deallocate() }
        Array(message.routingKey.utf8).withUnsafeBytes { key in
            var routed = RoutedMessage(routingKey: key)
            routed.copies = message.copies.map { ShortString(truncating: $0) }
            // Without the length in front.
            routed.headers = UnsafeRawBufferPointer(rebasing: wire.bytes.dropFirst(4))
            table.route(Self.exchange, routed, into: &buffer)
        }
        let matching = (0..<buffer.count).flatMap { positions[buffer[$0].slot] ?? [] }
        return .all(matching.sorted())
    }

    /// A delayed-message exchange routes as the type that its arguments name.
    private static func type(of exchange: TopologySnapshot.Exchange) -> ExchangeType? {
        let type = ExchangeType(ShortString(truncating: exchange.type))
        guard type == .delayedMessage else { return type }
        return exchange.arguments["x-delayed-type"].text.flatMap { ExchangeType(ShortString(truncating: $0)) }
    }

    private static func hashSource(_ arguments: JSONValue) -> HashSource {
        if let header = arguments["hash-header"].text { return .header(ShortString(truncating: header)) }
        return arguments["hash-property"].text.flatMap { HashSource(property: $0) } ?? .routingKey
    }
}
