import AMQPWire
import Glibc
import struct LeveretClient.ConnectionOptions

/// Makes the connections of a load.
struct Connecting {
    let options: ConnectionOptions
    let plan: LoadPlan
    let routes: RoutePlan
    let control: RunControl
    let deadline: Deadline

    /// Small, so that what counts as published is near what the broker has read.
    private static let sendBufferByteCount: Int32 = 256 << 10

    func session() throws(PerfError) -> BrokerSession {
        try Interruption.check()
        let session = try BrokerSession(options, frameMax: plan.frameMax, deadline: deadline)
        _ = try session.call(.channelOpen(ChannelOpen()), deadline)
        return session
    }

    /// All producers; those whose bytes are the same share them.
    func producers(_ recorders: (Int) -> (confirms: LatencyRecorder?, lags: LatencyRecorder?)) throws(PerfError)
        -> [Producer]
    {
        var shared: [Int: MessageRing] = [:]
        var producers: [Producer] = []
        var byteCount = 0
        for index in 0..<plan.producers {
            let session = try session()
            Socket.set(session.descriptor, SOL_SOCKET, SO_SNDBUF, Self.sendBufferByteCount)
            if plan.confirmWindow > 0 { _ = try session.call(.confirmSelect(ConfirmSelect()), deadline) }
            let cycle = routes.cycle(of: index, plan)
            // A ring of all keys is the same for everybody but for where it begins.
            let keys = cycle.count == 1 ? [cycle.start] : Array(0..<cycle.keyCount)
            let name = cycle.count == 1 ? cycle.start : -1
            let ring: MessageRing
            if !plan.isStamped, let known = shared[name] {
                ring = known
            } else {
                ring = try MessageRing(plan, routes, keys: keys, frameMax: session.frameMax)
                byteCount += ring.byteCount
                guard byteCount <= 2 << 30 else {
                    throw .usage(
                        "--producers \(plan.producers) with --body-size \(plan.bodyByteCount) take too much memory",
                        example: "throughput --producers 10 --body-size 1k")
                }
                shared[name] = ring
            }
            let recorder = recorders(index)
            producers.append(
                Producer(
                    index, session, plan, ring: ring, startMessage: cycle.count == 1 ? 0 : cycle.start,
                    control: control, confirmLatencies: recorder.confirms, lags: recorder.lags))
        }
        return producers
    }

    /// All consumers, with their channels and prefetch, but without subscriptions.
    func consumers(_ body: (Int) -> BodyReader?) throws(PerfError) -> [Consumer] {
        var consumers: [Consumer] = []
        for index in 0..<plan.consumers {
            let session = try session()
            for channel in 1...UInt16(plan.channels) {
                if channel > 1 { _ = try session.call(.channelOpen(ChannelOpen()), on: channel, deadline) }
                if plan.prefetch > 0 {
                    _ = try session.call(
                        .basicQos(BasicQos(prefetchCount: UInt16(plan.prefetch))), on: channel, deadline)
                }
            }
            consumers.append(Consumer(session, plan, body: body(index)))
        }
        return consumers
    }

    /// Subscribes, one by one while the queues are empty; else all at once, and deliveries come before the answers.
    func subscribe(_ consumers: [Consumer], waiting: Bool) throws(PerfError) {
        for subscription in 0..<plan.subscriptions {
            let consumer = consumers[subscription % consumers.count]
            let channel = UInt16(1 + subscription / consumers.count % plan.channels)
            let queue = subscription % plan.queues
            let consume = BasicConsume(
                queue: routes.queues[queue],
                consumerTag: ShortString(truncating: DeliveryVerifier.consumerTag(queue: queue)),
                noAck: plan.acknowledgement == .auto, noWait: !waiting)
            if waiting {
                try Interruption.check()
                _ = try consumer.session.call(.basicConsume(consume), on: channel, deadline)
            } else {
                consumer.append(.basicConsume(consume), on: channel)
            }
        }
    }

    /// Ends connections in order, but does not wait for a broker that takes its time.
    static func close(_ sessions: [BrokerSession], seconds: Double = 2) {
        let deadline = Deadline(seconds: seconds)
        for session in sessions { session.sendClose(deadline) }
        for session in sessions { session.awaitClose(deadline) }
    }
}
