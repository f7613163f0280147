import AMQPWire
import Broker
import Node

// What is done as a client would do it, with the user's permissions.
extension ManagementRequest {
    /// Sends a method, as RabbitMQ's `direct_request` does: errors without the name of their code.
    func request(_ method: some DirectMethod, virtualHost: ShortString) async throws(ManagementError) {
        do throws(DirectError) {
            try await withDirectConnection(virtualHost) { connection throws(DirectError) in
                _ = try await connection.call(method)
            }
        } catch {
            throw ManagementError(requestError: error)
        }
    }

    /// Does something on a channel, as RabbitMQ's `with_channel` does: errors with the name of their code.
    func withChannel<Value: Sendable>(
        virtualHost: ShortString, _ body: @Sendable (DirectConnection) async throws(DirectError) -> Value
    ) async throws(ManagementError) -> Value {
        do throws(DirectError) {
            return try await withDirectConnection(virtualHost, body)
        } catch {
            throw ManagementError(channelError: error)
        }
    }

    private func withDirectConnection<Value: Sendable>(
        _ virtualHost: ShortString, _ body: @Sendable (DirectConnection) async throws(DirectError) -> Value
    ) async throws(DirectError) -> Value {
        let name = "\(peer.address.contains(":") ? "[\(peer.address)]" : peer.address):\(peer.port)"
        return try await administration.withDirectConnection(
            user: user.name, virtualHost: virtualHost, peer: Peer(name: name, isLoopback: peer.isLoopback), body)
    }
}

extension ManagementError {
    fileprivate init(requestError error: DirectError) {
        switch error {
        case .closed(let code, let text):
            let name = "\(code.name) - "
            let explanation = text.hasPrefix(name) ? String(text.dropFirst(name.count)) : text
            switch code {
            case .notFound: self = .notFound(explanation)
            case .accessRefused, .notAllowed: self = .notAuthorised("Access refused.")
            default: self = .badRequest(explanation)
            }
        case .timedOut, .unavailable: self.init(channelError: error)
        }
    }

    fileprivate init(channelError error: DirectError) {
        switch error {
        case .closed(.notFound, let text): self = .notFound(text)
        case .closed(.accessRefused, let text): self = .notAuthorised(text)
        case .closed(.notAllowed, _): self = .notAuthorised("Access refused.")
        case .closed(let code, let text): self = .badRequest("\(code.rawValue) \(text)")
        case .timedOut: self = .unavailable("the message was not confirmed in time")
        case .unavailable: self = .unavailable("the node is being stopped")
        }
    }
}
