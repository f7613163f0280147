import AMQPWire
import Broker
import Node

// What resources that change something share.
extension ManagementRequest {
    /// Makes a change; it is on stable storage when this returns.
    ///
    /// - Throws: 404 for what is not there, 400 for what is refused.
    @discardableResult
    func change<Result: Sendable>(
        _ body: (ControlPlane) throws(AdministrationError) -> Result
    ) async throws(ManagementError) -> Result {
        do throws(AdministrationError) {
            return try await administration.change(by: user.name, body)
        } catch {
            throw ManagementError(error)
        }
    }

    /// Whether what is in this virtual host is listed for the user who asks.
    func lists(_ virtualHost: ShortString) -> Bool {
        user.isMonitor || administration.mayOpen(virtualHost, user: user.name)
    }

    /// As `lists`, where monitoring is no reason to see something: policies and parameters.
    func opens(_ virtualHost: ShortString) -> Bool {
        user.isAdministrator || administration.mayOpen(virtualHost, user: user.name)
    }

    /// - Throws: 404 when the path names another node than this one.
    func checkNode() throws(ManagementError) {
        guard parameters["node"] == context.configuration.nodeName else { throw .notFound }
    }
}

extension ManagementError {
    init(_ error: AdministrationError) {
        switch error {
        case .notFound(let reason): self = .notFound(reason)
        case .invalid(let reason): self = .badRequest(reason)
        case .unavailable(let reason): self = .unavailable(reason)
        }
    }
}
