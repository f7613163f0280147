import AMQPWire

extension RoutingTable {
    /// nil when the destination is not there, or is the default exchange.
    func target(of destination: BindingDestination) -> Target? {
        switch destination {
        case .queue(let address):
            let queue = findQueue(address)
            return queue == noIndex ? nil : .queue(queue)
        case .exchange(let id):
            return id != .default && isPresent(id) ? .exchange(id.value) : nil
        }
    }

    func matchMode(of arguments: FieldTable) -> HeadersMatchMode {
        // Arguments that `headersArgumentError` refuses may still come from elsewhere; RabbitMQ takes them for `all`.
        arguments["x-match"].flatMap(HeadersMatchMode.init) ?? .all
    }

    /// Hands on a record whose bytes are borrowed: enough to find the binding, or to insert a copy.
    ///
    /// Arguments are compared in wire form, sorted by name: so their types count, and a NaN is equal to itself.
    func withIdentity(of binding: Binding, _ target: Target, _ body: (BindingRecord) -> Bool) -> Bool {
        argumentBytes.removeAll()
        argumentBytes.write(bytes: binding.routingKey.bytes)
        let keyCount = argumentBytes.count
        var argumentByteCount = 0
        if !binding.arguments.isEmpty {
            // Sorting is stable, so that of two arguments of one name the first stays the first.
            let sorted = binding.arguments.entries.enumerated().sorted {
                $0.element.name == $1.element.name ? $0.offset < $1.offset : $0.element.name < $1.element.name
            }
            argumentBytes.truncate(to: keyCount)
            argumentBytes.write(FieldTable(sorted.map(\.element)))
            argumentByteCount = argumentBytes.count - keyCount - 4
        }
        return withScratchRecord(binding.source.value, target, keyCount, argumentByteCount, body)
    }

    private func withScratchRecord(
        _ source: UInt32, _ target: Target, _ keyCount: Int, _ argumentByteCount: Int, _ body: (BindingRecord) -> Bool
    ) -> Bool {
        guard let base = argumentBytes.base, argumentBytes.count > 0 else {
            return body(
                BindingRecord(
                    hash: identityHash(source, target, base: nil, keyCount: 0, byteCount: 0), source: source,
                    target: target, keyCount: 0, argumentByteCount: 0, bytes: nil))
        }
        if argumentByteCount > 0 {
            // Over the table's length, which the count tells already.
            (base + keyCount).copyMemory(from: base + keyCount + 4, byteCount: argumentByteCount)
        }
        let byteCount = keyCount + argumentByteCount
        return body(
            BindingRecord(
                hash: identityHash(source, target, base: base, keyCount: keyCount, byteCount: byteCount),
                source: source, target: target, keyCount: UInt32(keyCount),
                argumentByteCount: UInt32(argumentByteCount), bytes: byteCount == 0 ? nil : base))
    }

    private func identityHash(
        _ source: UInt32, _ target: Target, base: UnsafeRawPointer?, keyCount: Int, byteCount: Int
    ) -> UInt32 {
        let ends = hasher.hash(UInt64(source) << 32 | UInt64(target.bits), UInt64(keyCount))
        guard let base else { return UInt32(truncatingIfNeeded: ends) }
        return UInt32(truncatingIfNeeded: hasher.hash(base, byteCount, context: ends))
    }

    func findBinding(_ wanted: BindingRecord) -> UInt32 {
        let bindings = bindings
        return bindingIndex.find(wanted.hash) { index in
            let record = bindings[index].pointee
            guard record.source == wanted.source, record.target == wanted.target, record.keyCount == wanted.keyCount,
                record.argumentByteCount == wanted.argumentByteCount
            else { return false }
            guard let bytes = record.bytes, let wantedBytes = wanted.bytes else { return true }
            return equalBytes(bytes, wantedBytes, Int(record.keyCount) + Int(record.argumentByteCount))
        }
    }

    /// - Parameter borrowed: its bytes are copied.
    func insertBinding(_ borrowed: BindingRecord, kind: ExchangeKind, mode: HeadersMatchMode) {
        var record = borrowed
        let byteCount = Int(record.keyCount) + Int(record.argumentByteCount)
        if let bytes = record.bytes {
            let copy = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 1)
            copy.copyMemory(from: bytes, byteCount: byteCount)
            record.bytes = copy
        }
        let index = bindings.insert(record)
        bindingIndex.insert(record.hash, index)
        link(index)
        let place = placeInTable(index, bindings[index].pointee, mode)
        bindings[index].pointee.place = place.place
        bindings[index].pointee.position = place.position
        if record.target.isExchange { retainEdge(record.source, record.target.index) }

        walkNumber += 1
        var changedCount = 0
        meet(record.source, &changedCount)
        publishChanges(changedCount)
    }

    /// - Parameter changedCount: of the exchanges in `pending`, to which the binding's source is added.
    func removeBinding(_ index: UInt32, _ changedCount: inout Int) {
        let record = bindings[index].pointee
        meet(record.source, &changedCount)
        removeFromTable(index, record)
        if record.target.isExchange { releaseEdge(record.source, record.target.index) }
        unlink(index)
        bindingIndex.remove(record.hash, index)
        record.bytes?.deallocate()
        bindings.remove(index)
    }

    // MARK: - The source's table

    private func placeInTable(
        _ index: UInt32, _ record: BindingRecord, _ mode: HeadersMatchMode
    ) -> (place: UInt32, position: UInt32) {
        let exchange = exchanges[Int(record.source)]
        switch exchange.kind {
        case .direct:
            return exchange.direct?.pointee.add(record.key, record.target, binding: index, hasher) ?? (noIndex, noIndex)
        case .fanout, .random:
            return (noIndex, exchange.list?.pointee.append(record.target, binding: index) ?? noIndex)
        case .topic:
            return exchange.topic?.pointee.add(record.key, record.target, binding: index, hasher) ?? (noIndex, noIndex)
        case .headers:
            return (exchange.headers?.pointee.add(mode, record.arguments, record.target, hasher) ?? noIndex, noIndex)
        case .consistentHash:
            let identity = ByteHash.stable.hash(name(of: record.target), context: record.target.isExchange ? 1 : 0)
            exchange.consistentHash?.pointee.add(record.key, record.target, identity: identity, binding: index)
        case .modulusHash: exchange.modulusHash?.pointee.add(record.target, name: name(of: record.target))
        }
        return (noIndex, noIndex)
    }

    private func name(of target: Target) -> UnsafeRawBufferPointer {
        target.isExchange
            ? exchangeNames.key(exchanges[Int(target.index)].name) : queueNames.key(queues[target.index].pointee.name)
    }

    private func removeFromTable(_ index: UInt32, _ record: BindingRecord) {
        let exchange = exchanges[Int(record.source)]
        var moved = noIndex
        switch exchange.kind {
        case .direct:
            moved = exchange.direct?.pointee.remove(place: record.place, position: record.position) ?? noIndex
        case .fanout, .random:
            moved = exchange.list?.pointee.remove(at: record.position) ?? noIndex
        case .topic:
            moved = exchange.topic?.pointee.remove(place: record.place, position: record.position) ?? noIndex
        case .headers:
            exchange.headers?.pointee.remove(record.place)
        case .consistentHash: exchange.consistentHash?.pointee.remove(record.target, binding: index)
        case .modulusHash: exchange.modulusHash?.pointee.remove(record.target)
        }
        if moved != noIndex { bindings[moved].pointee.position = record.position }
    }

    // MARK: - The lists of source and destination

    private func firstIncoming(_ target: Target) -> UnsafeMutablePointer<UInt32> {
        if target.isExchange {
            let exchange = exchanges + Int(target.index)
            return exchange.pointer(to: \.incomingBindings).unsafelyUnwrapped
        }
        return queues[target.index].pointer(to: \.bindings).unsafelyUnwrapped
    }

    private func link(_ index: UInt32) {
        let record = bindings[index]
        let exchange = exchanges + Int(record.pointee.source)
        record.pointee.sourceNext = exchange.pointee.bindings
        if record.pointee.sourceNext != noIndex { bindings[record.pointee.sourceNext].pointee.sourcePrevious = index }
        exchange.pointee.bindings = index

        let first = firstIncoming(record.pointee.target)
        record.pointee.destinationNext = first.pointee
        if first.pointee != noIndex { bindings[first.pointee].pointee.destinationPrevious = index }
        first.pointee = index
    }

    private func unlink(_ index: UInt32) {
        let record = bindings[index].pointee
        if record.sourcePrevious != noIndex {
            bindings[record.sourcePrevious].pointee.sourceNext = record.sourceNext
        } else {
            exchanges[Int(record.source)].bindings = record.sourceNext
        }
        if record.sourceNext != noIndex { bindings[record.sourceNext].pointee.sourcePrevious = record.sourcePrevious }

        if record.destinationPrevious != noIndex {
            bindings[record.destinationPrevious].pointee.destinationNext = record.destinationNext
        } else {
            firstIncoming(record.target).pointee = record.destinationNext
        }
        if record.destinationNext != noIndex {
            bindings[record.destinationNext].pointee.destinationPrevious = record.destinationPrevious
        }
    }
}
