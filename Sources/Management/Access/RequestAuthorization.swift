import AMQPWire
import HTTPTypes
import JSON
import Node

/// Who sends a request, and whether they may use the route: RabbitMQ's checks in RabbitMQ's order.
struct RequestAuthorization {
    let context: ManagementContext
    let peer: HTTPPeer

    /// - Throws: 401.
    func user(_ headers: HTTPFields) async throws(ManagementError) -> AuthenticatedUser {
        guard let credentials = Self.credentials(headers[.authorization]) else { throw .notAuthenticated }
        return try await user(name: credentials.name, password: credentials.password)
    }

    /// - Throws: 401.
    func user(name: ShortString, password: [UInt8]) async throws(ManagementError) -> AuthenticatedUser {
        guard
            let user = await context.administration.authenticate(
                name: name, password: password, address: peer.address, isLoopback: peer.isLoopback)
        else {
            throw .notAuthenticated
        }
        guard user.isManagementUser else { throw .notAuthorised("Not management user") }
        return user
    }

    /// `Basic` and base 64 of name, colon, password.
    private static func credentials(_ header: String?) -> (name: ShortString, password: [UInt8])? {
        guard let header, header.prefix(6).lowercased() == "basic " else { return nil }
        let text = header.dropFirst(6).drop { $0 == " " }
        guard let bytes = Base64.decode(text), let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon <= 255 else {
            return nil
        }
        return (ShortString(bytes: Array(bytes[..<colon])), Array(bytes[(colon + 1)...]))
    }

    /// - Parameter virtualHost: the one that the request names.
    /// - Throws: 401.
    func check(
        _ access: RouteAccess, _ user: AuthenticatedUser, virtualHost: ShortString?
    ) throws(ManagementError) {
        switch access {
        case .open, .management: return
        case .monitoring: if !user.isMonitor { throw .notAuthorised("Not monitor user") }
        case .administrator: if !user.isAdministrator { throw .notAuthorised("Not administrator user") }
        case .virtualHost:
            if !user.isAdministrator, !mayOpen(virtualHost, user) {
                throw .notAuthorised("User not authorised to access virtual host")
            }
        case .visibleVirtualHost:
            if !user.isMonitor, !mayOpen(virtualHost, user) {
                throw .notAuthorised("User not authorised to access virtual host")
            }
        case .policies:
            if !user.isAdministrator, !user.isPolicymaker || !mayOpen(virtualHost, user) {
                throw .notAuthorised("User not authorised to access object")
            }
        case .globalParameters:
            if !user.isPolicymaker { throw .notAuthorised("User not authorised to access object") }
        }
    }

    /// One that does not exist is refused by the resource, with 404.
    private func mayOpen(_ virtualHost: ShortString?, _ user: AuthenticatedUser) -> Bool {
        guard let virtualHost, context.administration.hasVirtualHost(virtualHost) else { return true }
        return context.administration.mayOpen(virtualHost, user: user.name)
    }
}
