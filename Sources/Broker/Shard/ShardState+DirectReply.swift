import AMQPWire
import Routing

// Direct reply-to (RabbitMQ: `amq.rabbitmq.reply-to`): a client that asks gets its answers without a queue of its own.
//
// Consuming from the pseudo-queue makes a queue that is none to anybody else: it lives on the channel's shard as long
// as its one consumer, and the routing tables know it by a name that nobody can guess, so that an answer finds it from
// any shard. That name replaces the pseudo-queue's in the reply-to property of what the channel publishes.
extension ShardState {
    private static let pseudoQueue: ShortString = "amq.rabbitmq.reply-to"

    static func isReplyQueue(_ name: ShortString) -> Bool { name.hasPrefix("amq.rabbitmq.reply-to") }

    // MARK: Consuming

    /// Returns whether the method was about the pseudo-queue.
    func consumeReplies(
        _ consume: BasicConsume, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> Bool {
        guard consume.queue == Self.pseudoQueue else { return false }
        guard consume.noAck else { throw .replyConsumerAcknowledges }
        guard channel.pointee.replyQueue == nil else { throw .replyConsumerExists }
        let name = random.name(prefix: "amq.rabbitmq.reply-to.")
        let address = try addReplyQueue(name, channel)
        channel.pointee.replyQueue = ReplyQueue(name: name, address: address)
        let tag = consume.consumerTag.isEmpty ? random.name(prefix: "amq.ctag-") : consume.consumerTag
        let index = channel.pointee.addConsumer(tag: tag, queue: address, noAck: true)
        let description = ConsumerDescription(
            tag: tag, channel: channel.pointee.address, consumerIndex: UInt32(index), noAck: true, isExclusive: true,
            prefetchCount: 0, hasChannelLimit: false, priority: 0, arguments: consume.arguments,
            connection: details(of: channel))
        request(
            .consume(description), of: address, channel,
            pending: .consume(consumerIndex: index, queue: name, noWait: consume.noWait))
        return true
    }

    private func addReplyQueue(
        _ name: ShortString, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> QueueAddress {
        let connection = channel.pointee.connection
        let host = connection.pointee.virtualHostIndex
        let shard = index
        let memory = Unmanaged.passUnretained(indexMemory)
        let (counters, now) = (typeCounters.classic, now)
        let (_, _, queue) = queues.insert { slot, generation in
            QueueState(
                address: QueueAddress(shard: shard, slot: slot, generation: generation), name: name,
                virtualHost: connection.pointee.virtualHost, virtualHostIndex: host, isAutoDelete: true,
                arguments: QueueArguments(), memory: memory, typeCounters: counters, now: now)
        }
        queue.pointee.isShown = false
        let address = queue.pointee.address
        try changeTopology(host) { topology, changes throws(ProtocolError) in
            topology.addReplyQueue(name, address: address, changes: &changes)
        }
        return address
    }

    // MARK: Declaring

    /// Returns whether the method was about the pseudo-queue, or somebody's queue of replies.
    func receiveReplyQueueMethod(
        _ channel: UnsafeMutablePointer<ChannelState>, _ method: Method
    ) throws(ProtocolError) -> Bool {
        guard case .queueDeclare(let declare) = method, Self.isReplyQueue(declare.queue) else { return false }
        try declareReplyQueue(declare, channel)
        return true
    }

    /// RabbitMQ: every declare of it is passive, and tells whether the client that asked still waits.
    private func declareReplyQueue(
        _ declare: QueueDeclare, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) {
        let name = declare.queue.withoutLineBreaks
        let host = channel.pointee.connection.pointee.virtualHostIndex
        let found = try controlPlane.withTopology { topology throws(ProtocolError) in
            topology.virtualHosts[host].replyQueues[name]
        }
        guard found != nil || name == Self.pseudoQueue else { throw .notFound(resource(name, channel)) }
        channel.pointee.lastQueueName = name
        if !declare.noWait { write(QueueDeclareOk(queue: name, messageCount: 0, consumerCount: 1), channel) }
    }

    // MARK: Publishing

    /// The properties of a message with the pseudo-queue's name in reply-to replaced; what was given where there is
    /// another name. Valid until the next call.
    @inline(never)
    func replaceReplyTo(
        _ properties: BasicPropertiesView, _ bytes: UnsafeRawBufferPointer,
        _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> UnsafeRawBufferPointer {
        guard Self.pseudoQueue.bytes.elementsEqual(properties.replyTo), let base = bytes.baseAddress,
            let name = properties.replyTo.baseAddress
        else { return bytes }
        guard let queue = channel.pointee.replyQueue else { throw .noReplyConsumer }
        // The byte before the name is its length.
        let before = name - base - 1
        let after = before + 1 + properties.replyTo.count
        rewrittenProperties.removeAll()
        rewrittenProperties.write(bytes: UnsafeRawBufferPointer(rebasing: bytes[..<before]))
        rewrittenProperties.write(queue.name)
        rewrittenProperties.write(bytes: UnsafeRawBufferPointer(rebasing: bytes[after...]))
        return rewrittenProperties.bytes
    }
}

extension VirtualHostTopology {
    mutating func addReplyQueue(_ name: ShortString, address: QueueAddress, changes: inout TopologyLog) {
        replyQueues[name] = address
        changes.append(.queueAdded(virtualHost: index, name: name, address: address, holder: 0))
    }

    /// Returns whether it was one.
    mutating func removeReplyQueue(_ name: ShortString, address: QueueAddress, changes: inout TopologyLog) -> Bool {
        guard replyQueues[name] == address else { return false }
        replyQueues[name] = nil
        changes.append(.queueRemoved(virtualHost: index, name: name, address: address))
        return true
    }
}
