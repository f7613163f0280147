import ArgumentParser

extension BindingsCommand {
    /// `leveretctl bindings tree`.
    struct TreeView: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "tree", "The topology as a tree: exchanges, what is bound to them, and where dead letters go.",
            examples: [
                "leveretctl bindings tree", "leveretctl bindings tree orders", "leveretctl bindings tree --all",
            ])

        @Argument(help: "Only from this exchange.") var exchange: String?
        @Flag(help: "Also exchanges without bindings.") var all = false
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            let topology = try await TopologySnapshot(client, virtualHost: virtualHost.name)
            topology.notes.forEach(Report.note)
            if let exchange {
                guard let root = topology.exchanges[exchange] else {
                    throw await client.missing(.exchange, exchange, in: virtualHost.name)
                }
                var drawing = TopologyDrawing(topology)
                return Report.write(drawing.draw(root).lines(width: Terminal.size?.columns))
            }
            var drawing = TopologyDrawing(topology)
            Report.write(drawing.drawAll(hasUnbound: all).lines(width: Terminal.size?.columns))
        }
    }
}

/// Draws exchanges with what is bound to them. What is met again is not drawn again.
struct TopologyDrawing {
    private let topology: TopologySnapshot
    private var drawn: Set<String> = []

    init(_ topology: TopologySnapshot) { self.topology = topology }

    mutating func drawAll(hasUnbound: Bool) -> Tree {
        let behind = Set(
            topology.bindings.values.flatMap { $0 }.filter { !$0.isToQueue }.map(\.destination)
                + topology.exchanges.values.compactMap(\.alternate))
        let named = topology.exchanges.values.filter { !$0.name.isEmpty }.sorted { $0.name < $1.name }
        let lead = { [topology] (exchange: TopologySnapshot.Exchange) in
            topology.bindings[exchange.name]?.isEmpty == false || exchange.alternate != nil
        }
        var tree = Tree(text: "virtual host \(topology.virtualHost)")
        for exchange in named where !behind.contains(exchange.name) && (hasUnbound || lead(exchange)) {
            tree.children.append(draw(exchange))
        }
        // Circles have no beginning: they start anywhere.
        for exchange in named where behind.contains(exchange.name) && !drawn.contains(exchange.name) {
            tree.children.append(draw(exchange))
        }
        let bound = Set(topology.bindings.values.flatMap { $0 }.filter(\.isToQueue).map(\.destination))
        let others = topology.queues.values.filter { !bound.contains($0.name) }.sorted { $0.name < $1.name }
        if !others.isEmpty {
            let children = others.map { Tree(text: "→ \(described($0.name))") }
            tree.children.append(Tree(text: "only the default exchange, by name", children: children))
        }
        return tree
    }

    mutating func draw(_ exchange: TopologySnapshot.Exchange, _ prefix: String = "") -> Tree {
        var tree = Tree(text: prefix + exchange.shown)
        if exchange.name.isEmpty {
            tree.children = topology.queues.values.sorted { $0.name < $1.name }.map {
                Tree(text: "'\($0.name)' → \(described($0.name))")
            }
            return tree
        }
        guard drawn.insert(exchange.name).inserted else {
            tree.text += ", as above"
            return tree
        }
        for binding in topology.bindings(from: exchange.name) {
            let prefix = binding.condition + "→ "
            if binding.isToQueue {
                tree.children.append(Tree(text: prefix + described(binding.destination)))
            } else if let next = topology.exchanges[binding.destination] {
                tree.children.append(draw(next, prefix))
            }
        }
        if let name = exchange.alternate {
            let alternate = topology.exchanges[name]
            tree.children.append(
                alternate.map { draw($0, "otherwise → alternate ") }
                    ?? Tree(text: "otherwise → alternate exchange \(name), which does not exist"))
        }
        return tree
    }

    private func described(_ queue: String) -> String {
        guard let queue = topology.queues[queue] else { return "queue \(queue)" }
        guard let dead = queue.deadLetterExchange else { return queue.shown }
        let target = dead.isEmpty ? "the default exchange" : "exchange \(dead)"
        let missing = topology.exchanges[dead] == nil ? ", which does not exist" : ""
        return "\(queue.shown), dead letters → \(target)\(missing)"
    }
}
