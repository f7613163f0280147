import HTTPTypes
import JSON

/// An answer that is an error: RabbitMQ's bodies, `{"error": ..., "reason": ...}`.
package struct ManagementError: Error, Equatable, Sendable {
    package let status: HTTPResponse.Status
    package let error: String
    package let reason: String
    package var headers: HTTPFields = [:]

    package init(_ status: HTTPResponse.Status, _ error: String, _ reason: String) {
        self.status = status
        self.error = error
        self.reason = reason
    }

    package static func badRequest(_ reason: String) -> ManagementError {
        ManagementError(.badRequest, "bad_request", reason)
    }

    /// What is at a path that names nothing.
    package static let notFound = ManagementError(.notFound, "Object Not Found", "Not Found")

    /// What something else in the request refers to is not there.
    package static func notFound(_ reason: String) -> ManagementError {
        ManagementError(.notFound, "not_found", reason)
    }

    /// Nobody has logged in, or nobody could.
    package static var notAuthenticated: ManagementError {
        var error = ManagementError(.unauthorized, "not_authorized", "Not_Authorized")
        error.headers[.wwwAuthenticate] = #"Basic realm="RabbitMQ Management""#
        return error
    }

    /// Who has logged in may not do this. RabbitMQ answers 401, not 403, and tools look for that.
    package static func notAuthorised(_ reason: String) -> ManagementError {
        ManagementError(.unauthorized, "not_authorised", reason)
    }

    package static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> ManagementError {
        var error = ManagementError(.methodNotAllowed, "Method Not Allowed", "Method Not Allowed")
        error.headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
        return error
    }

    package static func bodyTooLarge(limit: Int) -> ManagementError {
        ManagementError(.contentTooLarge, "payload_too_large", "the request body is larger than \(limit) bytes")
    }

    package static let targetTooLong = ManagementError(
        .uriTooLong, "uri_too_long", "the path and query are longer than \(RequestTarget.byteLimit) bytes")

    package static func unavailable(_ reason: String) -> ManagementError {
        ManagementError(.serviceUnavailable, "service_unavailable", reason)
    }

    package var body: JSONValue { ["error": .string(error), "reason": .string(reason)] }
}
