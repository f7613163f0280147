/// Gates: queues that stand before an exchange's bindings (`ExchangeGates`).
extension RoutingTable {
    /// From now on messages that the gate takes go to this queue instead; who owns it routes them on.
    ///
    /// - Precondition: the exchange has no gate, and the queue's address is not in use.
    package func addGate(_ kind: ExchangeGates, at address: QueueAddress, to id: ExchangeID) {
        guard isPresent(id) else { return }
        precondition(exchanges[Int(id.value)].gate == noIndex, "an exchange has one gate")
        precondition(findQueue(address) == noIndex, "the queue's address is in use")
        let queue = queues.insert(QueueRecord(address: address, name: noIndex))
        queueIndex.insert(hash(of: address), queue)
        exchanges[Int(id.value)].gate = queue
        exchanges[Int(id.value)].gateKind = kind
        exchanges[Int(id.value)].dependsOnMessage = true
        graphVersion += 1
        walkNumber += 1
        var changedCount = 0
        meet(id.value, &changedCount)
        publishChanges(changedCount)
    }

    /// With its exchange.
    func removeGate(of id: UInt32) {
        let gate = exchanges[Int(id)].gate
        guard gate != noIndex else { return }
        queueIndex.remove(hash(of: queues[gate].pointee.address), gate)
        queues.remove(gate)
        exchanges[Int(id)].gate = noIndex
    }
}
