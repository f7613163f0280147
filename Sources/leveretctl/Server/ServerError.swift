import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix

/// An answer that is not 2xx.
struct ServerError: Error {
    let status: Int
    /// The server's words.
    let reason: String
    let request: String

    var isNotFound: Bool { status == 404 }

    /// One line: what failed, the reason, and what to do.
    func explained(_ endpoint: Endpoint) -> ControlError {
        switch status {
        case 401:
            ControlError(
                "the broker at \(endpoint.address) does not let user '\(endpoint.user)' in: \(reason). Check --user "
                    + "and the password (LEVERET_PASSWORD or --password-stdin); guest may log in from this machine "
                    + "only, and the user needs the tag management")
        case 403:
            ControlError(
                "user '\(endpoint.user)' may not do this (\(request)): \(reason). It needs another tag or permission: "
                    + "leveretctl users tags, leveretctl permissions set")
        case 404: ControlError("not found: \(request) (\(reason))")
        case 405: ControlError("this broker does not have \(request) (\(reason))")
        case 500...: ControlError("the broker failed at \(request): \(status), \(reason). Its log may say more")
        default: ControlError("the broker refuses \(request): \(status), \(reason)")
        }
    }

    /// - Parameter body: RabbitMQ's `{"error":…,"reason":…}`, or whatever stands between.
    init(status: Int, body: [UInt8], request: String) {
        self.status = status
        self.request = request
        let json = (try? JSONValue(parsing: body)) ?? .null
        let said = [json["reason"], json["error"]].lazy.compactMap { value in
            value.text ?? (value.isNull ? nil : value.compact)
        }.first { !$0.isEmpty }
        reason = said ?? String(decoding: body.prefix(200), as: UTF8.self).trimmed(else: "no reason given")
    }
}

extension String {
    /// Without white space at both ends; `other` when nothing is left.
    fileprivate func trimmed(else other: String) -> String {
        let text = self.drop { $0.isWhitespace }
        guard let last = text.lastIndex(where: { !$0.isWhitespace }) else { return other }
        return String(text[...last])
    }
}

/// Why no answer came.
enum TransportFailure {
    static func explained(_ error: any Error, _ endpoint: Endpoint) -> ControlError {
        let place = endpoint.address
        if let error = error as? NIOConnectionError {
            if let code = (error.connectionErrors.first?.error as? IOError)?.errnoCode {
                return explained(code: code, place)
            }
            return ControlError(
                "there is no machine named \(endpoint.host) for \(place). Check --url or LEVERET_URL")
        }
        if let error = error as? IOError { return explained(code: error.errnoCode, place) }
        guard let error = error as? HTTPClientError else {
            return ControlError(
                "what listens at \(place) does not speak HTTP (\(error)). Is it AMQP's port? The HTTP API's is 15672")
        }
        switch error {
        case .connectTimeout:
            return ControlError(
                "cannot reach \(place): no answer within 5 seconds. Check --url or LEVERET_URL, and firewalls between")
        case .deadlineExceeded, .readTimeout:
            return ControlError(
                "\(place) took the request but did not answer in time. Try again, or give more time with --timeout")
        case .remoteConnectionClosed:
            return ControlError(
                "\(place) closed the connection without an answer. Is this the HTTP API's port, not AMQP's (5672)?")
        default:
            return ControlError("no answer from \(place): \(error.shortDescription). Does an HTTP API listen there?")
        }
    }

    private static func explained(code: CInt, _ place: String) -> ControlError {
        let reason = String(cString: strerror(code)).lowercased()
        return ControlError(
            "cannot reach \(place): \(reason). Is the broker running, and is its management listener on "
                + "(management.tcp.port)? Give another address with --url or LEVERET_URL")
    }
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
