import AMQPWire
import Routing

/// A question to the shell: has the socket of this connection ended?
///
/// A client that lost its connection and comes back at once finds its exclusive queue locked by the old connection,
/// whose end may not have been read yet. So before it is refused, the holder's socket is looked at.
package struct Probe: Sendable {
    package let holder: ConnectionAddress
    let channel: ChannelAddress
}

extension ShardState {
    /// Starts a probe of the connection that locks the queue. Returns false where there is none to look at.
    func probeHolder(_ declare: QueueDeclare, _ channel: UnsafeMutablePointer<ChannelState>) -> Bool {
        let own = channel.pointee.connection.pointee.address
        let host = channel.pointee.connection.pointee.virtualHostIndex
        let found = try? controlPlane.withTopology { $0.virtualHosts[host].queues[declare.queue]?.exclusiveOwner }
        guard settings.probesLockHolders, let holder = found, holder != own else { return false }
        channel.pointee.pending = .probe(declare)
        if Int(holder.shard) == index {
            probe(holder, from: channel.pointee.address)
        } else {
            channel.pointee.connection.pointee.usedShards |= 1 << UInt64(holder.shard)
            mailbox(Int(holder.shard)).append(.probe(holder, from: channel.pointee.address))
        }
        return true
    }

    func probe(_ holder: ConnectionAddress, from channel: ChannelAddress) {
        probes.append(Probe(holder: holder, channel: channel))
    }

    /// The next question for the shell, which answers each with `finish`, after `connectionEnded` if it has.
    package func takeProbe() -> Probe? { probes.popLast() }

    package func finish(_ probe: Probe) {
        followTopology()
        if Int(probe.channel.connection.shard) == index {
            receive(.probed, for: probe.channel)
        } else {
            mailbox(Int(probe.channel.connection.shard)).append(.reply(.probed, to: probe.channel))
        }
    }
}
