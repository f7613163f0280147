import AMQPWire

extension RoutingTable {
    /// - Precondition: neither the id nor the name is in use, and the id is below `ExchangeID.limit`.
    ///
    /// - Parameter hashSource: for a consistent-hash exchange.
    package func addExchange(
        _ id: ExchangeID, name: ShortString, kind: ExchangeKind, hashSource: HashSource = .routingKey
    ) {
        precondition(id.value < ExchangeID.limit, "exchange ids are small and dense")
        if Int(id.value) >= exchangeCapacity { growExchanges(toHold: Int(id.value)) }
        precondition(!exchanges[Int(id.value)].isPresent, "the exchange id is in use")

        var exchange = ExchangeRecord()
        exchange.isPresent = true
        exchange.kind = kind
        exchange.name = name.bytes.withUnsafeBytes { bytes in
            precondition(exchangeNames.find(bytes, hasher) == noIndex, "the exchange's name is in use")
            return exchangeNames.insert(bytes, id.value, hasher)
        }
        exchange.dependsOnMessage =
            kind == .headers || kind == .random || (kind == .consistentHash && hashSource != .routingKey)
        if id != .default { exchange.table = makeTable(kind, hashSource) }
        exchanges[Int(id.value)] = exchange
        graphVersion += 1
        beginChange()
        var changedCount = 0
        meet(id.value, &changedCount)
        linkAlternates(to: id.value, named: name, &changedCount)
        publishChanges(changedCount)
    }

    /// Removes it with all bindings that it is the source or the destination of. No change if it is not there.
    package func removeExchange(_ id: ExchangeID) {
        guard isPresent(id) else { return }
        let exchange = exchanges + Int(id.value)
        beginChange()
        var changedCount = 0
        meet(id.value, &changedCount)
        while exchange.pointee.bindings != noIndex { removeBinding(exchange.pointee.bindings, &changedCount) }
        while exchange.pointee.incomingBindings != noIndex {
            removeBinding(exchange.pointee.incomingBindings, &changedCount)
        }
        let name = ShortString(exchangeNames.key(exchange.pointee.name))
        unlinkAlternates(of: id.value, named: name, &changedCount)
        removeGate(of: id.value)
        exchangeNames.remove(exchange.pointee.name)
        freeTable(exchange.pointee)
        exchange.pointee = ExchangeRecord()
        graphVersion += 1
        publishChanges(changedCount)
    }

    /// - Precondition: neither the address nor the name is in use.
    package func addQueue(_ address: QueueAddress, name: ShortString) {
        precondition(findQueue(address) == noIndex, "the queue's address is in use")
        let nameIndex = name.bytes.withUnsafeBytes { bytes in
            precondition(queueNames.find(bytes, hasher) == noIndex, "the queue's name is in use")
            return queueNames.insert(bytes, noIndex, hasher)
        }
        let queue = queues.insert(QueueRecord(address: address, name: nameIndex))
        queueNames[nameIndex].pointee.value = queue
        queueIndex.insert(hash(of: address), queue)
        beginChange()
        var changedCount = 0
        meet(ExchangeID.default.value, &changedCount)
        publishChanges(changedCount)
    }

    /// Removes it with all its bindings. No change if no queue is at that address, or it has another name.
    package func removeQueue(_ address: QueueAddress, name: ShortString) {
        let queue = findQueue(address)
        guard queue != noIndex else { return }
        let nameIndex = queues[queue].pointee.name
        guard name.bytes.withUnsafeBytes({ queueNames.find($0, hasher) }) == nameIndex else { return }
        beginChange()
        var changedCount = 0
        meet(ExchangeID.default.value, &changedCount)
        while queues[queue].pointee.bindings != noIndex { removeBinding(queues[queue].pointee.bindings, &changedCount) }
        queueNames.remove(nameIndex)
        queueIndex.remove(hash(of: address), queue)
        queues.remove(queue)
        publishChanges(changedCount)
    }

    /// Returns whether it was added: not when an equal binding is there, nor when its source or destination is the
    /// default exchange or is not there.
    @discardableResult
    package func add(_ binding: Binding) -> Bool {
        guard binding.source != .default, isPresent(binding.source), let target = target(of: binding.destination) else {
            return false
        }
        return withIdentity(of: binding, target) { record in
            guard findBinding(record) == noIndex else { return false }
            insertBinding(record, kind: exchanges[Int(record.source)].kind, mode: matchMode(of: binding.arguments))
            return true
        }
    }

    /// Returns whether it was there.
    @discardableResult
    package func remove(_ binding: Binding) -> Bool {
        guard isPresent(binding.source), let target = target(of: binding.destination) else { return false }
        return withIdentity(of: binding, target) { record in
            let found = findBinding(record)
            guard found != noIndex else { return false }
            beginChange()
            var changedCount = 0
            removeBinding(found, &changedCount)
            publishChanges(changedCount)
            return true
        }
    }

    // MARK: - Exchanges

    private func beginChange() {
        walkNumber += 1
    }

    private func growExchanges(toHold index: Int) {
        var capacity = max(exchangeCapacity, 4)
        while capacity <= index { capacity *= 2 }
        versions = resized(versions, to: capacity, fill: 0)
        exchanges = resized(exchanges, to: capacity, fill: ExchangeRecord())
        exchangeMarks = resized(exchangeMarks, to: capacity, fill: 0)
        pending = resized(pending, to: capacity, fill: 0)
        exchangeCapacity = capacity
    }

    private func resized<Element: BitwiseCopyable>(
        _ old: UnsafeMutablePointer<Element>, to capacity: Int, fill: Element
    ) -> UnsafeMutablePointer<Element> {
        let new = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        new.initialize(repeating: fill, count: capacity)
        new.update(from: old, count: exchangeCapacity)
        old.deallocate()
        return new
    }

    private func makeTable(_ kind: ExchangeKind, _ source: HashSource) -> UnsafeMutableRawPointer {
        func box<Table>(_ table: Table) -> UnsafeMutableRawPointer {
            let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
            memory.initialize(to: table)
            return UnsafeMutableRawPointer(memory)
        }
        return switch kind {
        case .direct: box(DirectTable())
        case .fanout, .random: box(TargetList())
        case .topic: box(TopicTrie())
        case .headers: box(HeadersTable())
        case .consistentHash: box(ConsistentHashTable(source: source))
        case .modulusHash: box(ModulusHashTable())
        }
    }

    private func freeTable(_ exchange: ExchangeRecord) {
        switch exchange.kind {
        case .direct: exchange.direct?.pointee.deallocate()
        case .fanout, .random: exchange.list?.pointee.deallocate()
        case .topic: exchange.topic?.pointee.deallocate()
        case .headers: exchange.headers?.pointee.deallocate()
        case .consistentHash: exchange.consistentHash?.deinitialize(count: 1)
        case .modulusHash: exchange.modulusHash?.deinitialize(count: 1)
        }
        exchange.table?.deallocate()
    }
}
