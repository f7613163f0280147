import Synchronization

/// What the transport and a ``Channel`` have in common: its number, its end, and messages that came back.
final class ChannelLink: Sendable {
    /// Returned messages that nobody takes are kept up to this number, then the oldest are dropped.
    static let returnedMessageLimit = 1024

    let id: ChannelID
    let number: UInt16

    private struct State {
        var end: LeveretError?
        /// Made when somebody first asks for returned messages.
        var returned: StreamBuffer<ReturnedMessage>?
    }
    private let state = Mutex(State())

    init(id: ChannelID, number: UInt16) {
        self.id = id
        self.number = number
    }

    /// Why the channel is over; nil while it is open.
    var endError: LeveretError? { state.withLock { $0.end } }

    func end(_ error: LeveretError) {
        let returned = state.withLock { state in
            state.end = error
            return state.returned
        }
        returned?.finish(error.code == .closed ? nil : error)
    }

    func takeReturned(_ message: ReturnedMessage) {
        _ = state.withLock { $0.returned }?.append(message)
    }

    var returned: StreamBuffer<ReturnedMessage> {
        let (buffer, end) = state.withLock { state in
            let buffer = state.returned ?? StreamBuffer(capacity: Self.returnedMessageLimit)
            state.returned = buffer
            return (buffer, state.end)
        }
        if let end { buffer.finish(end.code == .closed ? nil : end) }
        return buffer
    }
}
