import AMQPWire
import Routing

// Stopping a queue's deliveries: its consumers stay and what is published is taken, but nobody gets anything until an
// administrator lets it go on. basic.get finds such a queue empty, as in LavinMQ.
extension ControlPlane {
    /// Durable for a durable queue, as every change. A queue that is stopped already stays so.
    package func setPaused(
        _ isPaused: Bool, queue name: ShortString, virtualHost: ShortString
    ) throws(AdministrationError) {
        try administer { topology throws(AdministrationError) in
            let index = try topology.index(of: virtualHost)
            guard let queue = topology.virtualHosts[index].queues[name] else {
                throw .notFound("queue '\(name)' in vhost '\(virtualHost)' not found")
            }
            guard queue.isPaused != isPaused else { return }
            topology.virtualHosts[index].queues[name]?.isPaused = isPaused
            topology.log.append(.queuePaused(queue.address, isPaused))
            guard queue.isDurable else { return }
            topology.log.journal(.queuePaused(virtualHost: virtualHost, name: name, isPaused))
        }
    }

    /// nil where there is no such queue.
    package func isPaused(queue name: ShortString, virtualHost: ShortString) -> Bool? {
        let isPaused = try? withTopology { topology in
            topology.virtualHostIndexes[virtualHost].flatMap { topology.virtualHosts[$0].queues[name]?.isPaused }
        }
        return isPaused ?? nil
    }
}

extension ShardState {
    /// The queue's side.
    func setPaused(_ isPaused: Bool, _ queue: UnsafeMutablePointer<QueueState>) {
        queue.pointee.consumers.setPaused(isPaused)
        if isPaused {
            // Who asked before is told what everybody is told from now on.
            let gets = queue.pointee.waitingGets
            queue.pointee.waitingGets = []
            for get in gets { answer(get.channel, .empty) }
        } else {
            list(queue)
        }
    }
}
