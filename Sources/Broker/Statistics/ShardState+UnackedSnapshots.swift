import AMQPWire
import Routing

// What was delivered and is not settled, in steps. It stands with its channel, so a queue's is on every shard that has
// channels which got something from it.
extension ShardState {
    /// Deliveries that one step looks at, whichever queue they are from.
    private static let unackedPerStep = 4096

    /// Unacked messages on this shard's channels, in the order of connections, channels and delivery tags.
    ///
    /// - Parameters:
    ///   - queue: only this queue's; nil: all.
    ///   - limit: how many at most.
    /// - Returns: some, and where to go on; nil at the end.
    package func unackedSnapshots(of queue: QueueAddress? = nil, from start: UnackedCursor, limit: Int)
        -> (items: [UnackedSnapshot], next: UnackedCursor?)
    {
        var items: [UnackedSnapshot] = []
        var cursor = start
        var left = Self.unackedPerStep
        while left > 0, items.count < limit {
            guard Int(cursor.connectionSlot) < connections.slotCount else { return (items, nil) }
            left -= 1
            guard let connection = connections[cursor.connectionSlot], connection.pointee.isVisible,
                Int(cursor.channelNumber) < connection.pointee.channels.count
            else {
                cursor = UnackedCursor(connectionSlot: cursor.connectionSlot + 1)
                continue
            }
            if let channel = connection.pointee.channel(cursor.channelNumber), !channel.pointee.unacked.isEmpty,
                !addUnacked(of: queue, on: channel, &cursor, limit, &left, to: &items)
            {
                continue
            }
            guard cursor.channelNumber < .max else {
                cursor = UnackedCursor(connectionSlot: cursor.connectionSlot + 1)
                continue
            }
            cursor.channelNumber += 1
            cursor.deliveryTag = 0
        }
        return (items, cursor)
    }

    /// Returns whether the channel has no more.
    private func addUnacked(
        of queue: QueueAddress?, on channel: UnsafeMutablePointer<ChannelState>, _ cursor: inout UnackedCursor,
        _ limit: Int, _ left: inout Int, to items: inout [UnackedSnapshot]
    ) -> Bool {
        let deliveries = channel.pointee.unacked.deliveries(after: cursor.deliveryTag, limit: left)
        let isAll = deliveries.count < left
        left -= deliveries.count
        for delivery in deliveries {
            guard items.count < limit else { return false }
            cursor.deliveryTag = delivery.tag
            guard queue == nil || delivery.queue == queue, let details = channel.pointee.connection.pointee.details
            else { continue }
            items.append(snapshot(delivery, channel, details))
        }
        return isAll
    }

    private func snapshot(
        _ delivery: UnackedDelivery, _ channel: UnsafeMutablePointer<ChannelState>, _ connection: ConnectionDetails
    ) -> UnackedSnapshot {
        let message = delivery.entry.message
        let consumer = channel.pointee.consumers.first {
            $0?.reference == delivery.consumer && $0?.queue == delivery.queue
        }
        var reader = WireReader(message.properties)
        return UnackedSnapshot(
            queue: delivery.queue, consumerTag: (consumer ?? nil)?.tag, connection: connection,
            channelNumber: channel.pointee.number, deliveryTag: delivery.tag,
            deliveredMilliseconds: channel.pointee.deliveryTimes.milliseconds(
                of: delivery.tag, now: now.wallMilliseconds),
            isRedelivered: delivery.entry.isRedelivered, deliveryCount: delivery.entry.deliveryCount,
            exchange: ShortString(message.exchange), routingKey: ShortString(message.routingKey),
            properties: (try? BasicProperties(from: &reader)) ?? BasicProperties(),
            bodyByteCount: message.bodyByteCount, publishedMilliseconds: message.publishedMilliseconds)
    }

    /// Notes how far the deliveries of a connection's channels are. At every tick.
    func noteDeliveryTimes(_ connection: UnsafeMutablePointer<ConnectionState>) {
        for case let channel? in connection.pointee.channels {
            let latest = channel.pointee.latestDeliveryTag
            guard latest != channel.pointee.deliveryTimes.latestTag || !channel.pointee.deliveryTimes.isEmpty else {
                continue
            }
            channel.pointee.deliveryTimes.note(
                latestTag: latest, firstUnacked: channel.pointee.unacked.firstTag, now: now.wallMilliseconds)
        }
    }
}
