import JSON

/// The way of a message through a virtual host: which queues it reaches, and by which bindings.
struct RouteFinder {
    private let topology: TopologySnapshot
    private let message: ProbeMessage
    private var passed: Set<String> = []

    /// All queues that it reaches for sure.
    private(set) var queues: Set<String> = []
    /// Queues of which it reaches some: exchanges that choose by chance or hash are on the way.
    private(set) var possibleQueues: Set<String> = []
    /// Every binding on the way, with how it was met.
    private(set) var steps: [JSONValue] = []

    init(_ topology: TopologySnapshot, _ message: ProbeMessage) {
        self.topology = topology
        self.message = message
    }

    mutating func find(from exchange: String) -> Tree {
        guard let source = topology.exchanges[exchange] else { return Tree(text: "there is no exchange \(exchange)") }
        var tree = visit(source, "", isSure: true)
        let key = message.routingKey.isEmpty ? "no key" : "key '\(message.routingKey)'"
        tree.text = "\(source.shown) gets a message with \(key)"
        possibleQueues.subtract(queues)
        return tree
    }

    private mutating func visit(_ exchange: TopologySnapshot.Exchange, _ prefix: String, isSure: Bool) -> Tree {
        var tree = Tree(text: prefix + exchange.shown)
        guard passed.insert(exchange.name).inserted else {
            tree.text += ", as above"
            return tree
        }
        if exchange.name.isEmpty {
            tree.children = defaultChildren(isSure: isSure)
            return tree
        }
        let bindings = topology.bindings(from: exchange.name)
        switch ExchangeMatcher(exchange, bindings, isLeveret: topology.isLeveret).match(message) {
        case .all(let positions):
            tree.children = positions.map { follow(bindings[$0], isSure: isSure) }
        case .one(of: let positions):
            if positions.count > 1 { tree.text += ", to one of:" }
            tree.children = positions.map { follow(bindings[$0], isSure: isSure && positions.count == 1) }
        case .unknown:
            tree.text += ", whose type is not known here: some of:"
            tree.children = bindings.map { follow($0, isSure: false) }
        }
        if tree.children.isEmpty { tree.children = [nowhere(exchange, isSure: isSure)].compactMap { $0 } }
        return tree
    }

    private mutating func defaultChildren(isSure: Bool) -> [Tree] {
        var met: Set<String> = []
        return ([message.routingKey] + message.copies).filter { topology.queues[$0] != nil && met.insert($0).inserted }
            .map { name in
                let binding = TopologySnapshot.Binding(source: "", destination: name, key: name)
                return follow(binding, isSure: isSure)
            }
    }

    private mutating func follow(_ binding: TopologySnapshot.Binding, isSure: Bool) -> Tree {
        steps.append([
            "source": .string(binding.source), "destination": .string(binding.destination),
            "destination_type": binding.isToQueue ? "queue" : "exchange", "routing_key": .string(binding.key),
            "arguments": binding.arguments.isEmpty ? [:] : binding.arguments, "sure": .bool(isSure),
        ])
        let prefix = binding.condition + "→ "
        if binding.isToQueue {
            if isSure { queues.insert(binding.destination) } else { possibleQueues.insert(binding.destination) }
            return Tree(text: "\(prefix)queue \(binding.destination)")
        }
        guard let next = topology.exchanges[binding.destination] else {
            return Tree(text: "\(prefix)exchange \(binding.destination), which is not there any more")
        }
        return visit(next, prefix, isSure: isSure)
    }

    /// Where a message goes that an exchange leads nowhere.
    private mutating func nowhere(_ exchange: TopologySnapshot.Exchange, isSure: Bool) -> Tree? {
        guard let name = exchange.alternate, name != exchange.name else { return nil }
        guard let alternate = topology.exchanges[name] else {
            return Tree(text: "nothing matches → alternate exchange \(name), which does not exist")
        }
        steps.append([
            "source": .string(exchange.name), "destination": .string(name), "destination_type": "alternate-exchange",
            "routing_key": "", "arguments": [:], "sure": .bool(isSure),
        ])
        return visit(alternate, "nothing matches → alternate ", isSure: isSure)
    }
}
