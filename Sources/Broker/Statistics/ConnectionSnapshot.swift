import AMQPWire

/// A connection at a moment: the fields of RabbitMQ's `/api/connections`.
package struct ConnectionSnapshot: Sendable {
    /// RabbitMQ's `state`.
    package enum State: String, Sendable {
        case starting, tuning, opening, running
        /// It has not published since an alarm began: its next message blocks it.
        case blocking
        case blocked
        /// It is not read for a while: it publishes faster than its messages find a place.
        case flow
        case closing, closed
    }

    /// nil until the client has opened a virtual host.
    package let details: ConnectionDetails?
    package let address: ConnectionAddress
    /// `name`, `peer_host`, `peer_port`, `host`, `port`.
    package let peer: Peer
    package var state = State.starting
    /// `user_provided_name`.
    package var clientProvidedName: String?
    package var user: ShortString = ""
    /// `vhost`.
    package var virtualHost: ShortString = ""
    /// `client_properties`.
    package var clientProperties = FieldTable()
    /// `auth_mechanism`.
    package var mechanism: ShortString = ""
    /// `connected_at`, in milliseconds since 1970.
    package var connectedMilliseconds: UInt64 = 0
    /// `channels`.
    package var channelCount = 0
    /// `channel_max`; 0 is no limit.
    package var channelMax: UInt16 = 0
    /// `frame_max`; 0 is no limit.
    package var frameMax: UInt32 = 0
    /// `timeout`: the heartbeat interval in seconds; 0 for none.
    package var heartbeatSeconds: UInt16 = 0
    /// `recv_oct`, `recv_cnt`: bytes that the socket has given, and in how many reads.
    package var receivedByteCount: UInt64 = 0
    package var readCount: UInt64 = 0
    /// `send_oct`, `send_cnt`: bytes that the socket was given, and in how many writes.
    package var sentByteCount: UInt64 = 0
    package var writeCount: UInt64 = 0
    /// `recv_oct_details`, `send_oct_details`: bytes a second, between the latest two samples.
    package var receivedByteRate = 0.0
    package var sentByteRate = 0.0
    /// `send_pend`: bytes that wait until the socket takes more.
    package var pendingByteCount = 0
    /// Of all its channels, those that are gone included.
    package var counters = MessageCounters()

    /// `name`.
    package var name: String { peer.connectionName }
}

/// A channel at a moment: the fields of RabbitMQ's `/api/channels`.
package struct ChannelSnapshot: Sendable {
    /// RabbitMQ's `state`.
    package enum State: String, Sendable { case running, flow, closing }

    /// `connection_details`, `user`, `vhost`.
    package let connection: ConnectionDetails
    package let number: UInt16
    package var state = State.running
    /// `consumer_count`.
    package var consumerCount = 0
    /// `prefetch_count`: for consumers that start from now on; 0 is no limit.
    package var prefetchCount: UInt16 = 0
    /// `global_prefetch_count`: for the channel as a whole; 0 is no limit.
    package var globalPrefetchCount: UInt16 = 0
    /// `messages_unacknowledged`.
    package var unackedCount = 0
    /// `messages_unconfirmed`.
    package var unconfirmedCount = 0
    /// `messages_uncommitted`.
    package var uncommittedCount = 0
    /// `acks_uncommitted`.
    package var uncommittedAckCount = 0
    /// `confirm`.
    package var isConfirming = false
    /// `transactional`.
    package var isTransactional = false
    /// `message_stats`.
    package var counters = MessageCounters()
    /// Between the latest two samples.
    package var rates = MessageRates()
    /// `idle_since`, in milliseconds since 1970; nil while the channel is in use.
    package var idleSinceMilliseconds: UInt64?

    /// `name`: `127.0.0.1:50123 -> 127.0.0.1:5672 (1)`.
    package var name: String { "\(connection.name) (\(number))" }
}
