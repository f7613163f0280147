import AMQPWire

/// A conversation on a ``Connection``: declares, publishes, consumes, acknowledges.
///
/// It may be used by several tasks at a time. What one task asks is done in its order; requests that the broker answers
/// go one at a time, in the order in which they were made.
///
/// Most mistakes, such as using a queue that does not exist, make the broker close the channel: the call throws
/// ``LeveretError`` with code `channelClosedByServer`, and so does everything after it. Open another channel then.
///
/// A channel that is dropped without ``close()`` is closed. Its consumers and deliveries keep it.
public final class Channel: Sendable {
    /// The connection that the channel belongs to.
    public let connection: Connection
    let link: ChannelLink
    var core: ConnectionCore { connection.core }

    init(connection: Connection, link: ChannelLink) {
        self.connection = connection
        self.link = link
    }

    deinit {
        if link.endError == nil { core.dropChannel(link) }
    }

    /// Closes the channel and waits for the broker's answer. Deliveries that are not acknowledged go back to their
    /// queues. Closing what is closed already does nothing.
    public func close() async throws {
        try await core.closeChannel(link)
    }

    /// Why the channel is over; nil while it is open.
    public var endError: LeveretError? { link.endError }

    /// A request whose answer says nothing more.
    func perform(_ method: Method) async throws {
        _ = try await core.request(method, on: link)
    }
}
