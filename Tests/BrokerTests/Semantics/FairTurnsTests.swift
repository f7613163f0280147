import AMQPWire
import Broker
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One shard whose turns the test makes itself: what each connection gets in each turn can be counted.
private final class TurnedShard {
    private let shard: ShardState
    private var assemblies: [ConnectionAddress: FrameAssembly] = [:]

    init() {
        shard = ShardState(
            index: 0, shardCount: 1, settings: BrokerSettings(),
            controlPlane: ControlPlane(shardCount: 1, virtualHost: "/"), seed: [1, 2, 3, 4],
            now: Moment(monotonicMilliseconds: 1000, wallMilliseconds: 1_700_000_000_000))
    }

    func deallocate() { shard.deallocate() }

    var hasUnfinishedWork: Bool { shard.hasUnfinishedWork }

    /// A connection with channel 1, which has done this.
    func connect(_ setup: (inout OutboundBuffer) -> Void = { _ in }) -> ConnectionAddress {
        let address = shard.openConnection(Peer(name: "client", isLoopback: true))
        assemblies[address] = FrameAssembly()
        receive(address, ConversationClient.protocolHeader)
        receive(address, frame(ConversationClient.startOk(), channel: 0))
        receive(address, frame(ConnectionTuneOk(channelMax: 100, frameMax: 131_072, heartbeat: 0), channel: 0))
        receive(address, frame(ConnectionOpen(virtualHost: "/"), channel: 0))
        receive(address, frame(ChannelOpen()))
        receive(address, written(setup))
        _ = turn()
        return address
    }

    func receive(_ address: ConnectionAddress, _ bytes: [UInt8]) {
        bytes.withUnsafeBytes { shard.receive(address, $0) }
    }

    func setWritable(_ address: ConnectionAddress, _ isWritable: Bool) { shard.setWritable(address, isWritable) }

    /// Ends a turn. Returns what each connection got in it.
    func turn() -> [ConnectionAddress: [Received]] {
        shard.finishTurn()
        var received: [ConnectionAddress: [Received]] = [:]
        while let address = shard.takeListedConnection() {
            guard let output = shard.takeOutput(address) else { continue }
            let bytes = Array(UnsafeRawBufferPointer(start: output.memory.baseAddress, count: output.count))
            free(output.memory.baseAddress)
            received[address, default: []] += assemblies[address]?.take(bytes) ?? []
        }
        return received
    }
}

extension [Received] {
    fileprivate var deliveryCount: Int {
        count { if case .method(.basicDeliver, _, _) = $0 { true } else { false } }
    }
}

private func messages(_ count: Int, to queue: ShortString, byteCount: Int = 16) -> [UInt8] {
    let one =
        frame(BasicPublish(routingKey: queue)) + contentFrames([UInt8](repeating: 120, count: byteCount))
    return Array(repeatElement(one, count: count).joined())
}

/// Nobody's turn is long, and everybody has one.
@Suite struct FairTurnsTests {
    /// One queue with a deep backlog, and a fast consumer of it, beside others with one message now and then.
    @Test func aHotQueueLeavesOthersTheirTurn() {
        let shard = TurnedShard()
        defer { shard.deallocate() }
        let publisher = shard.connect { QueueDeclare(queue: "hot").writeFrame(channel: 1, to: &$0) }
        for _ in 0..<20 { shard.receive(publisher, messages(1000, to: "hot")) }
        let others = (0..<10).map { index in
            shard.connect {
                let name = ShortString(truncating: "q\(index)")
                QueueDeclare(queue: name).writeFrame(channel: 1, to: &$0)
                BasicConsume(queue: name, consumerTag: "c", noAck: true).writeFrame(channel: 1, to: &$0)
            }
        }
        let hot = shard.connect()
        shard.receive(hot, frame(BasicConsume(queue: "hot", consumerTag: "c", noAck: true)))
        var turns = 0
        var hotCount = 0
        repeat {
            for index in others.indices {
                shard.receive(publisher, messages(1, to: ShortString(truncating: "q\(index)")))
            }
            let received = shard.turn()
            turns += 1
            let count = received[hot]?.deliveryCount ?? 0
            #expect(count <= 4096)
            hotCount += count
            // In the very turn in which it was published, whatever the hot queue still has.
            for other in others { #expect(received[other]?.deliveryCount == 1) }
        } while shard.hasUnfinishedWork && turns < 100
        #expect(hotCount == 20_000 && turns >= 5)
    }

    /// It takes what fits its window; everything else goes to who reads.
    @Test func aConsumerThatDoesNotReadHoldsNobodyUp() {
        let shard = TurnedShard()
        defer { shard.deallocate() }
        let consume = { (buffer: inout OutboundBuffer) in
            QueueDeclare(queue: "q").writeFrame(channel: 1, to: &buffer)
            BasicConsume(queue: "q", consumerTag: "c", noAck: true).writeFrame(channel: 1, to: &buffer)
        }
        let publisher = shard.connect()
        let (slow, fast) = (shard.connect(consume), shard.connect(consume))
        shard.setWritable(slow, false)
        var count = 0
        for _ in 0..<400 {
            shard.receive(publisher, messages(10, to: "q", byteCount: 1024))
            count += shard.turn()[fast]?.deliveryCount ?? 0
        }
        // Less than 1 MiB of the 4 waits for the other's socket.
        #expect(count > 2900)
        shard.setWritable(slow, true)
        var slowCount = 0
        repeat { slowCount += shard.turn()[slow]?.deliveryCount ?? 0 } while shard.hasUnfinishedWork
        #expect(count + slowCount == 4000)
    }

    /// Prefetch 1 beside a publisher at full speed: each ack brings the next message in its own turn.
    @Test func aCarefulConsumerIsNotStarvedByAFastPublisher() {
        let shard = TurnedShard()
        defer { shard.deallocate() }
        let publisher = shard.connect { QueueDeclare(queue: "q").writeFrame(channel: 1, to: &$0) }
        let consumer = shard.connect {
            BasicQos(prefetchCount: 1).writeFrame(channel: 1, to: &$0)
            BasicConsume(queue: "q", consumerTag: "c").writeFrame(channel: 1, to: &$0)
        }
        shard.receive(publisher, messages(1, to: "q"))
        #expect(shard.turn()[consumer]?.deliveryCount == 1)
        for tag in 1...200 {
            shard.receive(publisher, messages(500, to: "q"))
            shard.receive(consumer, frame(BasicAck(deliveryTag: UInt64(tag))))
            #expect(shard.turn()[consumer]?.deliveryCount == 1)
        }
    }

    /// What many messages expire or are dropped at costs others no turn.
    @Test func aQueueThatDropsManyLeavesOthersTheirTurn() {
        let shard = TurnedShard()
        defer { shard.deallocate() }
        let publisher = shard.connect {
            QueueDeclare(queue: "full", arguments: ["x-max-length": .int32(10)]).writeFrame(channel: 1, to: &$0)
        }
        let other = shard.connect {
            QueueDeclare(queue: "q").writeFrame(channel: 1, to: &$0)
            BasicConsume(queue: "q", consumerTag: "c", noAck: true).writeFrame(channel: 1, to: &$0)
        }
        for _ in 0..<20 { shard.receive(publisher, messages(1000, to: "full")) }
        var turns = 0
        repeat {
            shard.receive(publisher, messages(1, to: "q"))
            #expect(shard.turn()[other]?.deliveryCount == 1)
            turns += 1
        } while shard.hasUnfinishedWork && turns < 100
        #expect(turns > 3, "20 000 are not dropped in one turn")
    }
}
