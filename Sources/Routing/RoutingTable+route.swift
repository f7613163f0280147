import AMQPWire

extension RoutingTable {
    /// Adds every queue that a message to this exchange reaches, unless the result has it already.
    ///
    /// An exchange that leads nowhere hands the message to its alternate, wherever on the way it stands.
    package func route(_ exchange: ExchangeID, _ message: RoutedMessage, into result: inout RouteBuffer) {
        guard isPresent(exchange) else { return }
        prepare(&result)
        walkNumber += 1
        var walk = RouteWalk(
            message: message, queues: queues.base, exchangeMarks: exchangeMarks, pending: pending, epoch: epoch,
            number: walkNumber, result: result)
        if let avoided = message.avoided, isPresent(avoided) { exchangeMarks[Int(avoided.value)] = walkNumber }
        walk.visitExchange(exchange.value)
        while walk.pendingCount > 0 {
            walk.pendingCount -= 1
            pass(walk.pending[walk.pendingCount], &walk)
        }
        result = walk.result
    }

    @inline(__always)
    private func pass(_ index: UInt32, _ walk: inout RouteWalk) {
        let exchange = exchanges + Int(index)
        if exchange.pointee.gate != noIndex, walk.message.gates.contains(exchange.pointee.gateKind) {
            walk.visitQueue(exchange.pointee.gate)
            return
        }
        walk.hasMatched = false
        match(exchange, &walk)
        if !walk.hasMatched, exchange.pointee.alternate != noIndex { walk.visitExchange(exchange.pointee.alternate) }
    }

    @inline(__always)
    private func match(_ exchange: UnsafeMutablePointer<ExchangeRecord>, _ walk: inout RouteWalk) {
        let key = walk.message.routingKey
        guard let table = exchange.pointee.table else {
            matchQueueName(key, &walk)
            if !walk.message.copies.isEmpty { matchCopies(exchange, &walk) }
            return
        }
        switch exchange.pointee.kind {
        case .direct:
            table.assumingMemoryBound(to: DirectTable.self).pointee.route(key, hasher, &walk)
            if !walk.message.copies.isEmpty { matchCopies(exchange, &walk) }
        case .fanout: walk.visit(table.assumingMemoryBound(to: TargetList.self).pointee)
        case .topic:
            table.assumingMemoryBound(to: TopicTrie.self).pointee.route(key, hasher, &walk)
            if !walk.message.copies.isEmpty { matchCopies(exchange, &walk) }
        case .headers:
            table.assumingMemoryBound(to: HeadersTable.self).pointee.route(walk.message.headers, hasher, &walk)
        case .consistentHash: table.assumingMemoryBound(to: ConsistentHashTable.self).pointee.route(&walk)
        case .modulusHash: table.assumingMemoryBound(to: ModulusHashTable.self).pointee.route(&walk)
        case .random:
            choose(table.assumingMemoryBound(to: TargetList.self).pointee, exchange - exchanges, &walk)
        }
    }

    @inline(__always)
    private func matchQueueName(_ key: UnsafeRawBufferPointer, _ walk: inout RouteWalk) {
        let entry = queueNames.find(key, hasher)
        if entry != noIndex { walk.visitQueue(queueNames[entry].pointee.value) }
    }

    /// The other routing keys, where keys count.
    @inline(never)
    private func matchCopies(_ exchange: UnsafeMutablePointer<ExchangeRecord>, _ walk: inout RouteWalk) {
        for copy in walk.message.copies {
            copy.bytes.withUnsafeBytes { key in
                guard let table = exchange.pointee.table else { return matchQueueName(key, &walk) }
                if exchange.pointee.kind == .direct {
                    table.assumingMemoryBound(to: DirectTable.self).pointee.route(key, hasher, &walk)
                } else {
                    table.assumingMemoryBound(to: TopicTrie.self).pointee.route(key, hasher, &walk)
                }
            }
        }
    }

    @inline(never)
    private func choose(_ list: TargetList, _ exchange: Int, _ walk: inout RouteWalk) {
        if let entry = list.single { return walk.visit(entry.target) }
        let entries = list.many
        guard entries.count > 0 else { return }
        // Several exchanges on one way shall not all choose the same position.
        let drawn = ByteHash.stable.hash(walk.message.random, UInt64(exchange))
        walk.visit(entries[Int(drawn.multipliedFullWidth(by: UInt64(entries.count)).high)].target)
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
