import AMQPWire
import Routing

// Queues and consumers as they are now, for whoever asks. In steps: between two of them the shard serves its clients,
// so what comes and goes meanwhile is in the answer or not.
extension ShardState {
    /// Queues from a place on, at most so many.
    ///
    /// - Returns: the queues, and the place to go on from; nil when there are no more.
    package func queueSnapshots(from start: Int, limit: Int) -> (items: [QueueSnapshot], next: Int?) {
        let (found, next) = queues.occupied(from: start, limit: limit)
        return (snapshots(of: found).compactMap { $0 }, next)
    }

    /// The names of queues from a place on, at most so many, by virtual host. Returns the place to go on from; nil at
    /// the end.
    package func addReferences(from start: Int, limit: Int, to references: inout [Int: [QueueReference]]) -> Int? {
        queues.forEachOccupied(from: start, limit: limit) { queue in
            guard queue.pointee.isShown else { return }
            references[queue.pointee.virtualHostIndex, default: []].append(
                QueueReference(name: queue.pointee.name, address: queue.pointee.address))
        }
    }

    /// These queues, in their order; nil for those that are gone.
    package func queueSnapshots(at addresses: [QueueAddress]) -> [QueueSnapshot?] {
        snapshots(of: addresses.map { queue($0) })
    }

    private func snapshots(of found: [UnsafeMutablePointer<QueueState>?]) -> [QueueSnapshot?] {
        // Gates and queues of replies are no queues to anybody.
        let declared = try? controlPlane.withTopology { topology in
            found.map { queue -> QueueSnapshot? in
                guard let queue else { return nil }
                let record = topology.virtualHosts[queue.pointee.virtualHostIndex].queues[queue.pointee.name]
                guard let record, record.address == queue.pointee.address else { return nil }
                return QueueSnapshot(queue, record)
            }
        }
        guard var snapshots = declared else { return found.map { _ in nil } }
        for index in snapshots.indices {
            guard let queue = found[index], snapshots[index] != nil else { continue }
            complete(&snapshots[index]!, queue)
        }
        return snapshots
    }

    /// What the shard alone knows.
    private func complete(_ snapshot: inout QueueSnapshot, _ queue: UnsafeMutablePointer<QueueState>) {
        snapshot.owner = snapshot.ownerAddress.flatMap { connection($0)?.pointee.details }
        if queue.pointee.isPaused { snapshot.state = .paused }
        snapshot.figures = figures(of: queue)
        if let first = queue.pointee.ready.first, !first.isPagedOut {
            snapshot.headPublishedMilliseconds = first.message.publishedMilliseconds
            snapshot.headTimestampSeconds = headTimestampSeconds(of: queue)
        }
        if queue.pointee.consumerCount > 0 {
            let consumers = queue.pointee.consumers
            snapshot.singleActiveConsumer = consumers.active.flatMap { consumers.description($0)?.name }
            snapshot.exclusiveConsumer = consumers.exclusive?.name
        }
        snapshot.counters = queue.pointee.messageCounters
        addSamples(of: queue, to: &snapshot)
    }

    /// The property `timestamp` of the first ready message, where that is in memory and has one.
    func headTimestampSeconds(of queue: UnsafeMutablePointer<QueueState>) -> UInt64? {
        guard let first = queue.pointee.ready.first, !first.isPagedOut else { return nil }
        return (try? BasicPropertiesView(validating: first.message.properties))?.timestamp
    }

    /// Queues from a place on, at most so many, summed up. Returns the place to go on from; nil at the end.
    package func addFigures(from start: Int, limit: Int, to sums: inout QueueSums) -> Int? {
        var added = QueueSums()
        let next = queues.forEachOccupied(from: start, limit: limit) { queue in
            guard queue.pointee.isShown else { return }
            added.queueCount += 1
            added.figures += figures(of: queue)
        }
        sums.queueCount += added.queueCount
        sums.figures += added.figures
        return next
    }

    func figures(of queue: UnsafeMutablePointer<QueueState>) -> QueueFigures {
        var figures = QueueFigures()
        figures.readyCount = queue.pointee.readyCount
        figures.unackedCount = queue.pointee.unackedCount
        figures.delayedCount = queue.pointee.delayedCount
        figures.pagedOutCount = queue.pointee.pagedOutCount
        let (ready, unacked) = (queue.pointee.readyContents, queue.pointee.unackedContents)
        figures.readyByteCount = ready.bodyByteCount
        figures.unackedByteCount = unacked.bodyByteCount
        figures.persistentCount = ready.persistentCount + unacked.persistentCount
        figures.persistentByteCount = ready.persistentByteCount + unacked.persistentByteCount
        if figures.pagedOutCount > 0 {
            figures.pagedOutByteCount = min(ready.bodyByteCount, queue.pointee.pagedOutByteCount)
        }
        figures.memoryByteCount = queue.pointee.memoryByteCount
        figures.consumerCount = queue.pointee.consumerCount
        if figures.consumerCount > 0 { figures.consumerCapacity = consumerCapacity(of: queue) }
        return figures
    }
}

extension QueueSnapshot {
    /// As it was declared.
    fileprivate init(_ queue: UnsafeMutablePointer<QueueState>, _ record: QueueRecord) {
        self.init(
            address: record.address, name: record.name, virtualHost: queue.pointee.virtualHost,
            virtualHostIndex: queue.pointee.virtualHostIndex, type: record.type, isDurable: record.isDurable,
            isAutoDelete: record.isAutoDelete, isExclusive: record.exclusiveOwner != nil,
            ownerAddress: record.exclusiveOwner, arguments: record.arguments, policies: record.policies)
    }
}

// Consumers.
extension ShardState {
    /// Consumers of this shard's queues from a place on, at most so many.
    package func consumerSnapshots(from start: Int, limit: Int) -> (items: [ConsumerSnapshot], next: Int?) {
        // The queue's slot, and the place among its consumers.
        var slot = start >> 32
        var place = start & 0xFFFF_FFFF
        var items: [ConsumerSnapshot] = []
        // Queues without consumers are looked at for nothing, but not too many of them.
        for _ in 0..<16 * limit {
            guard slot < queues.slotCount else { return (items, nil) }
            if let queue = queues[UInt32(slot)] {
                place = addConsumers(of: queue, from: place, limit: limit, to: &items)
                if items.count >= limit { return (items, slot << 32 | place) }
            }
            slot += 1
            place = 0
        }
        return (items, slot << 32)
    }

    /// All consumers of a queue.
    package func consumerSnapshots(of address: QueueAddress) -> [ConsumerSnapshot] {
        guard let queue = queue(address) else { return [] }
        var items: [ConsumerSnapshot] = []
        _ = addConsumers(of: queue, from: 0, limit: .max, to: &items)
        return items
    }

    /// Returns the place of the next consumer.
    private func addConsumers(
        of queue: UnsafeMutablePointer<QueueState>, from place: Int, limit: Int, to items: inout [ConsumerSnapshot]
    ) -> Int {
        let consumers = queue.pointee.consumers
        var place = place
        while place < consumers.slotCount, items.count < limit {
            defer { place += 1 }
            guard let reference = consumers.reference(at: place), let description = consumers.description(reference),
                let credit = consumers.credit(reference)
            else { continue }
            let isActive = consumers.isActive(reference)
            let isSingle = queue.pointee.arguments.isSingleActiveConsumer
            items.append(
                ConsumerSnapshot(
                    name: description.name, queue: queue.pointee.name, virtualHost: queue.pointee.virtualHost,
                    requiresAck: !description.noAck, isExclusive: description.isExclusive,
                    prefetchCount: description.prefetchCount, arguments: description.arguments, isActive: isActive,
                    activity: queue.pointee.isPaused ? .paused : !isSingle ? .up : isActive ? .singleActive : .waiting,
                    unackedCount: Int(credit.pointee.unackedCount),
                    timeoutMilliseconds: queue.pointee.arguments.consumerTimeoutMilliseconds))
        }
        return place
    }
}

extension ConsumerDescription {
    var name: ConsumerName {
        ConsumerName(tag: tag, channelNumber: channel.number, connection: connection)
    }
}

extension QueueState {
    /// Ready messages that are not in memory.
    var pagedOutCount: Int { sum(\.absentCount) }

    /// About what the bodies of ready messages take that are not in memory.
    var pagedOutByteCount: Int { sum(\.absentByteCount) }

    /// Bytes that the queue takes in memory, with those of its messages that are there.
    var memoryByteCount: Int {
        MemoryLayout<QueueState>.stride + (extras == nil ? 0 : MemoryLayout<QueueExtras>.stride)
            + readyCount * MemoryLayout<QueueEntry>.stride + sum(\.residentByteCount)
            + consumers.slotCount * MemoryLayout<ConsumerCredit>.stride
    }

    /// Over the lists of all priorities: the current one is in the queue itself.
    private func sum(_ count: (ReadyList) -> Int) -> Int {
        var sum = count(ready)
        guard let extras, let levels = extras.pointee.levels else { return sum }
        for level in 0..<extras.pointee.levelCount where level != extras.pointee.currentLevel {
            sum += count(levels[level])
        }
        return sum
    }
}

extension ReadyList {
    /// Messages that are not in memory.
    var absentCount: Int {
        guard absentChunkCount > 0 else { return 0 }
        var count = 0
        var next = head
        while let chunk = next {
            if chunk.pointee.state != .resident { count += chunk.pointee.end - chunk.pointee.first }
            next = chunk.pointee.next
        }
        return count
    }

    /// About what their bodies take: what is not body is counted only where it is the same for all.
    var absentByteCount: Int {
        guard absentChunkCount > 0 else { return 0 }
        var count = 0
        var next = head
        while let chunk = next {
            next = chunk.pointee.next
            guard chunk.pointee.state != .resident, chunk.pointee.end > 0 else { continue }
            let average = max(0, chunk.pointee.byteCount / chunk.pointee.end - Message.headByteCount)
            count += average * (chunk.pointee.end - chunk.pointee.first)
        }
        return count
    }
}
