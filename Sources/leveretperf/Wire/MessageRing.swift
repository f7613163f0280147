import AMQPWire
import Glibc

/// Messages as they go to the socket, encoded once: a producer writes slices of it, round and round. All messages have
/// one length, so that how many were sent follows from how many bytes were.
final class MessageRing: @unchecked Sendable {
    // The memory changes only where messages are stamped, and then the ring belongs to one producer.
    let base: UnsafeMutableRawPointer
    let messageByteCount: Int
    let messageCount: Int
    /// Where a message's body begins.
    let bodyOffset: Int

    static let byteLimit = 64 << 20
    /// A ring that is larger saves nothing more: it is written in slices of this size.
    static let usefulByteCount = 128 << 10

    var byteCount: Int { messageByteCount * messageCount }

    /// - Parameter keys: what is published in turn, in the order of the ring.
    init(_ plan: LoadPlan, _ routes: RoutePlan, keys: [Int], frameMax: UInt32) throws(PerfError) {
        var buffer = OutboundBuffer()
        let body = Self.body(plan.bodyByteCount)
        let first = Self.write(routes, keys[0], plan, body, frameMax, to: &buffer)
        messageByteCount = buffer.count
        bodyOffset = first
        let wanted = max(1, Self.usefulByteCount / messageByteCount)
        messageCount = (wanted + keys.count - 1) / keys.count * keys.count
        guard messageByteCount * messageCount <= max(Self.byteLimit, messageByteCount) else {
            buffer.deallocate()
            throw .usage(
                "--body-size \(plan.bodyByteCount) for each of \(keys.count) queues or keys in turn takes too much "
                    + "memory", example: "throughput --body-size 1m --queues 4 --pin")
        }
        for index in 1..<max(1, messageCount) {
            _ = Self.write(routes, keys[index % keys.count], plan, body, frameMax, to: &buffer)
        }
        guard buffer.count == messageByteCount * messageCount, let taken = buffer.take()?.memory.baseAddress else {
            buffer.deallocate()
            throw PerfError(.usage, "messages have different lengths: this is a fault of leveretperf")
        }
        base = taken
    }

    deinit { free(base) }

    /// What every body contains behind its stamp.
    static func body(_ byteCount: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            for index in 0..<byteCount { buffer[index] = UInt8(truncatingIfNeeded: index &* 31 &+ 7) }
            count = byteCount
        }
    }

    /// Appends a message. Returns where in it the body begins.
    private static func write(
        _ routes: RoutePlan, _ key: Int, _ plan: LoadPlan, _ body: [UInt8], _ frameMax: UInt32,
        to buffer: inout OutboundBuffer
    ) -> Int {
        let start = buffer.count
        let message = routes.keys[key]
        BasicPublish(exchange: routes.exchange, routingKey: message.routingKey).writeFrame(channel: 1, to: &buffer)
        var properties = BasicProperties()
        properties.deliveryMode = plan.isPersistent ? 2 : nil
        properties.headers = message.headers
        var encoded = OutboundBuffer()
        defer { encoded.deallocate() }
        properties.write(to: &encoded)
        buffer.writeHeaderFrame(channel: 1, bodyByteCount: body.count, properties: encoded.bytes)
        let offset = buffer.count - start + Frame.headByteCount
        body.withUnsafeBytes { buffer.writeBodyFrames(channel: 1, body: $0, frameMax: frameMax) }
        return offset
    }
}
