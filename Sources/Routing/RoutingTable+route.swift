extension RoutingTable {
    /// Adds every queue that a message to this exchange reaches, unless the result has it already.
    ///
    /// What is in `result` stays, so that the keys of `CC` and `BCC` headers are routed into the same buffer.
    ///
    /// - Parameter headers: the entries of the message's `headers` table as on the wire, without the length in front;
    ///   empty when there is none. Bytes that do not parse count as absent.
    package func route(
        _ exchange: ExchangeID, routingKey: UnsafeRawBufferPointer, headers: UnsafeRawBufferPointer,
        into result: inout RouteBuffer
    ) {
        guard isPresent(exchange) else { return }
        prepare(&result)
        walkNumber += 1
        var walk = RouteWalk(
            queues: queues.base, exchangeMarks: exchangeMarks, pending: pending, epoch: epoch, number: walkNumber,
            result: result)
        walk.visitExchange(exchange.value)
        while walk.pendingCount > 0 {
            walk.pendingCount -= 1
            pass(walk.pending[walk.pendingCount], routingKey, headers, &walk)
        }
        result = walk.result
    }

    @inline(__always)
    private func pass(
        _ index: UInt32, _ key: UnsafeRawBufferPointer, _ headers: UnsafeRawBufferPointer, _ walk: inout RouteWalk
    ) {
        let exchange = exchanges + Int(index)
        guard let table = exchange.pointee.table else {
            let entry = queueNames.find(key, hasher)
            if entry != noIndex { walk.visitQueue(queueNames[entry].pointee.value) }
            return
        }
        switch exchange.pointee.kind {
        case .direct: table.assumingMemoryBound(to: DirectTable.self).pointee.route(key, hasher, &walk)
        case .fanout: walk.visit(table.assumingMemoryBound(to: TargetList.self).pointee)
        case .topic: table.assumingMemoryBound(to: TopicTrie.self).pointee.route(key, hasher, &walk)
        case .headers: table.assumingMemoryBound(to: HeadersTable.self).pointee.route(headers, hasher, &walk)
        }
    }

    /// Sees to it that exactly the queues in `result` are marked with the epoch.
    @inline(__always)
    private func prepare(_ result: inout RouteBuffer) {
        if result.markedTable == number, result.markedEpoch == epoch { return }
        epoch += 1
        result.markedTable = number
        result.markedEpoch = epoch
        for position in 0..<result.count {
            let queue = findQueue(result[position])
            if queue != noIndex { queues[queue].pointee.mark = epoch }
        }
    }
}
