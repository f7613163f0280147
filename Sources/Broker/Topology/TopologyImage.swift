import AMQPWire
import Routing

/// The topology at one moment, to be read at leisure: it shares its tables with the control plane until one of the two
/// changes, so taking it costs next to nothing.
package struct TopologyImage: Sendable {
    package let virtualHosts: [VirtualHostImage]
}

/// Exchanges, queues and bindings of a virtual host at one moment. What clients cannot declare again is not among them:
/// predeclared exchanges, exclusive queues, and bindings to these.
package struct VirtualHostImage: Sendable {
    package let name: ShortString
    package let metadata: VirtualHostMetadata
    private let topology: VirtualHostTopology

    init(_ topology: VirtualHostTopology) {
        name = topology.name
        metadata = topology.metadata
        self.topology = topology
    }

    /// By name.
    package func exchanges() -> [ExchangeDefinition] {
        topology.exchanges.values.lazy.filter { !$0.isPredeclared }.map { exchange in
            ExchangeDefinition(
                virtualHost: name, name: exchange.name, type: exchange.type, isDurable: exchange.isDurable,
                isAutoDelete: exchange.isAutoDelete, isInternal: exchange.isInternal, arguments: exchange.arguments)
        }.sorted { $0.name < $1.name }
    }

    /// By name.
    package var queueNames: [ShortString] {
        topology.queues.values.lazy.filter { $0.exclusiveOwner == nil }.map(\.name).sorted()
    }

    package func queue(_ name: ShortString) -> QueueDefinition? {
        guard let queue = topology.queues[name] else { return nil }
        return QueueDefinition(
            virtualHost: self.name, name: name, isDurable: queue.isDurable, isAutoDelete: queue.isAutoDelete,
            arguments: queue.arguments)
    }

    /// The exchanges that something is bound to, by name.
    package var bindingSources: [ShortString] { topology.bindingSources.sorted() }

    /// The bindings of one exchange, by destination and routing key.
    package func bindings(from source: ShortString) -> [BindingDefinition] {
        topology.bindings(from: source).compactMap { binding -> BindingDefinition? in
            let destination: ShortString
            switch binding.destination {
            case .queue(let address):
                guard let queue = topology.queueName(at: address), topology.queues[queue]?.exclusiveOwner == nil else {
                    return nil
                }
                destination = queue
            case .exchange(let id):
                guard let exchange = topology.exchangeName(of: id) else { return nil }
                destination = exchange
            }
            var isToQueue = false
            if case .queue = binding.destination { isToQueue = true }
            return BindingDefinition(
                virtualHost: name, source: source, destination: destination, isToQueue: isToQueue,
                routingKey: binding.routingKey, arguments: binding.arguments)
        }.sorted { ($0.destination, $0.routingKey) < ($1.destination, $1.routingKey) }
    }
}

extension ControlPlane {
    /// - Parameter virtualHost: only this one; nil for all of them. They come by name.
    package func image(ofVirtualHost virtualHost: ShortString? = nil) -> TopologyImage {
        let hosts = try? withTopology { topology in
            topology.virtualHostIndexes.filter { virtualHost == nil || $0.key == virtualHost }
                .sorted { $0.key < $1.key }.map { VirtualHostImage(topology.virtualHosts[$0.value]) }
        }
        return TopologyImage(virtualHosts: hosts ?? [])
    }

    /// How many queues there are in a virtual host; nil where there is no such virtual host.
    package func queueCount(inVirtualHost name: ShortString) -> Int? {
        let count = try? withTopology { topology in
            topology.virtualHostIndexes[name].map { topology.virtualHosts[$0].queues.count }
        }
        return count ?? nil
    }

    package func hasQueue(_ name: ShortString, inVirtualHost virtualHost: ShortString) -> Bool {
        let has = try? withTopology { topology in
            topology.virtualHostIndexes[virtualHost].map { topology.virtualHosts[$0].queues[name] != nil }
        }
        return has == true
    }
}
