import AMQPWire
import Broker
import Journal
import Logging
import Routing

/// Brings back what the journal has, before the shards start: topology first, then the messages into their queues.
struct JournalRecovery {
    let configuration: Configuration
    let controlPlane: ControlPlane
    let shards: [Shard]
    let logger: Logger

    /// Progress is told when recovery takes longer than this, and then as often.
    private static let progressNanoseconds: UInt64 = 1_000_000_000

    /// Opens the journal and recovers from it. The journal is ready to be written then.
    func run() throws(NodeError) -> Journal {
        let begin = Clock.monotonicNanoseconds
        let journal: Journal
        let recovery: Recovery
        do throws(JournalError) {
            var settings = JournalConfiguration(directory: Storage.journalDirectory(configuration)) {
                UInt64.random(in: .min ... .max)
            }
            settings.indexMemory = Storage.indexMemory(
                "journal", configuration, memoryLimitBytes: configuration.memoryLimitBytes)
            settings.segmentByteCount = configuration.journalSegmentByteCount
            settings.checkpointByteCount = configuration.journalCheckpointByteCount
            // What a checkpoint gives back is kept for the time until the next one: a new file is written twice, once
            // with zeros, and every page of it is new memory.
            settings.pooledSegmentLimit += min(settings.checkpointByteCount / settings.segmentByteCount, 64)
            journal = try Journal.open(settings, disk: SystemDisk())
            recovery = try journal.recover(progress: progress(since: begin))
        } catch {
            throw NodeError("\(error)")
        }
        report(recovery.report)
        let queues = restore(try topology(recovery))
        let strangers = restoreMessages(journal, queues, nextSequence: recovery.nextSequence)
        if recovery.report.isClean {
            controlPlane.beginJournaling(removing: strangers)
        } else {
            // Their queues may be lost by the damage: nobody else gets their numbers, and what is left of them is kept.
            if !strangers.isEmpty {
                logger.error(
                    "the journal holds messages of \(strangers.count) queues that are not there; they are kept")
            }
            controlPlane.beginJournaling(numbersAbove: strangers.max() ?? 0)
        }
        controlPlane.journalDefaults()
        let seconds = Double(Clock.monotonicNanoseconds - begin) / 1e9
        if recovery.report.liveMessageCount > 0 || !queues.isEmpty || seconds > 1 {
            logger.info(
                "recovered \(queues.count) durable queues and \(recovery.report.liveMessageCount) messages",
                metadata: ["seconds": "\((seconds * 1000).rounded() / 1000)"])
        }
        return journal
    }

    private func progress(since begin: UInt64) -> (RecoveryProgress) -> Void {
        var told = begin
        return { progress in
            let now = Clock.monotonicNanoseconds
            guard now - told > Self.progressNanoseconds else { return }
            told = now
            let percent = progress.totalByteCount == 0 ? 100 : progress.byteCount * 100 / progress.totalByteCount
            logger.notice("reading the journal: \(percent) % of \(progress.totalByteCount >> 20) MiB")
        }
    }

    private func report(_ report: RecoveryReport) {
        for sentence in report.damagedFiles { logger.error("the journal is damaged: \(sentence)") }
        for record in report.quarantined {
            logger.error(
                "the journal is damaged: \(record.path) at \(record.offset): \(record.reason); the rest is served"
            )
        }
        if report.quarantinedCount > report.quarantined.count {
            logger.error("the journal is damaged: \(report.quarantinedCount) places in all")
        }
    }

    private func topology(_ recovery: Recovery) throws(NodeError) -> DurableTopology {
        do throws(WireError) {
            return try DurableTopology(snapshot: recovery.stateSnapshot, changes: recovery.stateChanges)
        } catch {
            throw NodeError(
                "the journal's topology is not of this version's form: start the version that wrote it, or choose "
                    + "another directory with --data-dir")
        }
    }

    private func restore(_ topology: DurableTopology) -> [UInt32: QueueAddress] {
        let (queues, problems) = controlPlane.recover(topology, shards: shards.map(\.state))
        for problem in problems { logger.error("not recovered: \(problem)") }
        return queues
    }

    /// In the order of the queue, a part of it at a time.
    private func restore(
        _ messages: [(id: UInt64, holder: LiveHolder)], to address: QueueAddress, _ state: ShardState,
        _ reader: JournalReader
    ) {
        var rest = messages[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(Self.messagesPerRead))
            rest = rest.dropFirst(part.count)
            var contents: [[UInt8]?] = Array(repeating: nil, count: part.count)
            reader.read(part.map(\.id)) { index, outcome in
                if case .content(let bytes) = outcome { contents[index] = Array(bytes) }
            }
            for (message, content) in zip(part, contents) {
                guard let content else {
                    logger.error("a message of \(address) could not be read back and is skipped")
                    continue
                }
                content.withUnsafeBytes { bytes in
                    state.recoverMessage(
                        message.id, of: address, content: bytes,
                        isRedelivered: message.holder.mayHaveBeenDelivered,
                        deliveryCount: message.holder.deliveryCount)
                }
            }
        }
    }

    private static let messagesPerRead = 256

    /// Returns holders that are not queues.
    private func restoreMessages(
        _ journal: Journal, _ queues: [UInt32: QueueAddress], nextSequence: UInt64
    ) -> Set<UInt32> {
        var strangers: Set<UInt32> = []
        let states = shards.map(\.state)
        // Looked up for every message: numbers are dense.
        var addresses: [QueueAddress?] = Array(repeating: nil, count: Int(queues.keys.max() ?? 0) + 1)
        for (number, address) in queues { addresses[Int(number)] = address }
        // Of queues that want to see their messages: these are read.
        var unread: [QueueAddress: [(id: UInt64, holder: LiveHolder)]] = [:]
        journal.forEachLiveMessage { message in
            for holder in message.holders {
                guard Int(holder.holder) < addresses.count, let address = addresses[Int(holder.holder)] else {
                    strangers.insert(holder.holder)
                    continue
                }
                let isTaken = states[address.shard].recoverMessage(
                    message.id, of: address, byteCount: message.contentByteCount,
                    isRedelivered: holder.mayHaveBeenDelivered, deliveryCount: holder.deliveryCount)
                if !isTaken { unread[address, default: []].append((message.id, holder)) }
            }
        }
        let reader = journal.makeReader()
        for (address, messages) in unread { restore(messages, to: address, states[address.shard], reader) }
        for state in states { state.finishRecovery(nextSequence: nextSequence) }
        return strangers
    }
}
