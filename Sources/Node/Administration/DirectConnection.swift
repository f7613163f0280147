import AMQPWire
import Broker
import NIOCore

/// A connection to the broker without a socket, with one channel: an administrative interface does with it what a
/// client of this user could do, and is refused what that would be refused, in the same words.
///
/// One call at a time; `Administration.withDirectConnection` opens and closes it.
package final class DirectConnection: Sendable {
    private let shard: Shard
    private let link: DirectLink

    init(shard: Shard) {
        self.shard = shard
        link = DirectLink(shard: shard)
    }

    /// How long a publish may wait: for a confirm that does not come while publishers are blocked.
    private static let publishTimeout = TimeAmount.seconds(5)

    func open(user: ShortString, virtualHost: ShortString, peer: Peer) async throws(DirectError) {
        let outcome = await withCheckedContinuation {
            (waiter: CheckedContinuation<Result<Void, DirectError>, Never>) in
            shard.eventLoop.execute { [shard, link] in
                waiter.resume(
                    returning: shard.openDirectConnection(link, peer, user: user, virtualHost: virtualHost))
            }
        }
        try outcome.get()
        _ = try await call(ChannelOpen())
    }

    /// What other shards hold for the channel is back in its queues when it returns.
    func close() async {
        _ = try? await call(ChannelClose(replyCode: 200, replyText: "OK", classID: 0, methodID: 0))
        await withCheckedContinuation { waiter in
            shard.eventLoop.execute { [link] in
                link.close()
                waiter.resume()
            }
        }
    }

    /// Sends a method and returns its answer.
    package func call(_ method: some DirectMethod) async throws(DirectError) -> DirectReply {
        try await ask(timeout: nil) { method.writeFrame(channel: ShardState.directChannelNumber, to: &$0) }
    }

    /// Sends a method that has no answer.
    package func send(_ method: some DirectMethod) {
        shard.eventLoop.execute { [link] in
            var frames = OutboundBuffer()
            method.writeFrame(channel: ShardState.directChannelNumber, to: &frames)
            link.tell(frames)
            frames.deallocate()
        }
    }

    /// basic.get; nil for an empty queue.
    package func get(
        queue: ShortString, isAutomaticallyAcked: Bool
    ) async throws(DirectError) -> DirectMessage? {
        guard case .message(let message) = try await call(BasicGet(queue: queue, noAck: isAutomaticallyAcked)) else {
            return nil
        }
        return message
    }

    /// Publishes as mandatory and waits for the confirm. Returns whether the message was routed, and whether every
    /// queue has taken it.
    package func publish(
        exchange: ShortString, routingKey: ShortString, properties: BasicProperties, body: [UInt8]
    ) async throws(DirectError) -> (wasRouted: Bool, wasAccepted: Bool) {
        _ = try await call(ConfirmSelect())
        let reply = try await ask(timeout: Self.publishTimeout) { frames in
            let channel = ShardState.directChannelNumber
            BasicPublish(exchange: exchange, routingKey: routingKey, mandatory: true)
                .writeFrame(channel: channel, to: &frames)
            var header = OutboundBuffer()
            properties.write(to: &header)
            frames.writeHeaderFrame(channel: channel, bodyByteCount: body.count, properties: header.bytes)
            header.deallocate()
            body.withUnsafeBytes { frames.writeBodyFrames(channel: channel, body: $0, frameMax: 131_072) }
        }
        guard case .published(let wasAccepted, let wasReturned) = reply else { throw .unavailable }
        return (!wasReturned, wasAccepted)
    }

    private func ask(
        timeout: TimeAmount?, _ write: @escaping @Sendable (inout OutboundBuffer) -> Void
    ) async throws(DirectError) -> DirectReply {
        let outcome = await withCheckedContinuation { (waiter: CheckedContinuation<DirectLink.Outcome, Never>) in
            shard.eventLoop.execute { [link] in
                var frames = OutboundBuffer()
                write(&frames)
                link.ask(frames, timeout: timeout, waiter)
                frames.deallocate()
            }
        }
        return try outcome.get()
    }
}

extension Administration {
    /// Runs `body` with a direct connection of this user to this virtual host.
    ///
    /// - Throws: what connection.open is answered, or what the body throws.
    package func withDirectConnection<Value: Sendable>(
        user: ShortString, virtualHost: ShortString, peer: Peer,
        _ body: @Sendable (DirectConnection) async throws(DirectError) -> Value
    ) async throws(DirectError) -> Value {
        let connection = DirectConnection(shard: nextShard())
        try await connection.open(user: user, virtualHost: virtualHost, peer: peer)
        let outcome: Result<Value, DirectError>
        do throws(DirectError) { outcome = .success(try await body(connection)) } catch { outcome = .failure(error) }
        await connection.close()
        return try outcome.get()
    }
}
