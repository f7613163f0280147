import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import Node
import Synchronization

/// From a request's head to the last byte of its answer.
struct RequestResponder: Sendable {
    let context: ManagementContext
    let router: Router
    private let crossOrigin: CrossOriginPolicy
    /// In RabbitMQ's form: begins with a slash, or is empty.
    private let pathPrefix: [Substring]
    private let bodies = BodyBudget()

    init(context: ManagementContext, router: Router) {
        self.context = context
        self.router = router
        crossOrigin = CrossOriginPolicy(allowedOrigins: context.configuration.corsAllowOrigins)
        pathPrefix = context.configuration.httpPathPrefix.split(separator: "/")
    }

    func respond(
        to request: Request, writer: consuming ResponseWriter, channel: any Channel
    ) async throws {
        var mustClose = false
        var response: ManagementResponse
        do throws(ManagementError) {
            response = try await answer(request, writer, channel)
        } catch {
            response = ManagementResponse(error)
            // The rest of a body that was not wanted is not waited for.
            mustClose = error.status == .contentTooLarge || error.status == .requestTimeout
        }
        if mustClose { response.headers[.connection] = "close" }
        addCommonHeaders(&response.headers, request)
        try await Self.send(response, isHead: request.method == .head, writer)
        if mustClose { try? await channel.close() }
    }

    private func addCommonHeaders(_ headers: inout HTTPFields, _ request: Request) {
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-cache" }
        headers[.vary] = "accept, accept-encoding, origin"
        headers[.xContentTypeOptions] = "nosniff"
        crossOrigin.addHeaders(to: &headers, origin: request.headers[.origin])
    }

    private static func send(
        _ response: ManagementResponse, isHead: Bool, _ writer: consuming ResponseWriter
    ) async throws {
        var head = HTTPResponse(status: response.status, headerFields: response.headers)
        switch response.body {
        case .none:
            if response.status != .noContent { head.headerFields[.contentLength] = "0" }
            try await writer.writeResponse(head)
        case .bytes(let bytes, let contentType):
            head.headerFields[.contentType] = contentType
            head.headerFields[.contentLength] = String(bytes.count)
            if isHead { return try await writer.writeResponse(head) }
            try await writer.write(response: head, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        case .stream(let contentType, let write):
            head.headerFields[.contentType] = contentType
            if isHead { return try await writer.writeResponse(head) }
            var body: any ResponseBodyWriter = try await writer.writeHead(head)
            let stream = ResponseStream { try await body.write($0) }
            try await write(stream)
            try await stream.flush()
            try await body.finish(nil)
        }
    }

    // MARK: From the head to the handler

    private func answer(
        _ request: Request, _ writer: borrowing ResponseWriter, _ channel: any Channel
    ) async throws(ManagementError) -> ManagementResponse {
        let target = try RequestTarget(request.head.path ?? "/")
        guard target.segments.starts(with: pathPrefix) else { throw .notFound }
        let segments = Array(target.segments.dropFirst(pathPrefix.count))
        switch try router.match(request.method, segments) {
        case .nothing: throw .notFound
        case .otherMethods(let methods):
            guard request.method == .options else { throw .methodNotAllowed(methods) }
            return options(methods, request)
        case .route(let route, let parameters):
            let peer = HTTPPeer(channel.remoteAddress)
            let authorization = RequestAuthorization(context: context, peer: peer)
            let user = route.access == .open ? .nobody : try await authorization.user(request.headers)
            func matched(_ body: [UInt8]) -> ManagementRequest {
                ManagementRequest(
                    context: context, method: request.method,
                    path: String((request.head.path ?? "/").prefix { $0 != "?" && $0 != "#" }),
                    parameters: parameters, query: target.query, headers: request.headers, user: user, peer: peer,
                    body: body)
            }
            try authorization.check(route.access, user, virtualHost: try matched([]).namedVirtualHost)
            let limit = route.bodyLimit ?? context.configuration.httpMaxBodySize
            let (body, reserved) = try await read(request, writer, limit: limit)
            defer { bodies.release(reserved) }
            return try await route.handler(matched(body))
        }
    }

    private func options(_ methods: [HTTPRequest.Method], _ request: Request) -> ManagementResponse {
        var response = ManagementResponse(.ok)
        response.headers[.allow] = methods.map(\.rawValue).joined(separator: ", ")
        crossOrigin.addPreflightHeaders(to: &response.headers, methods: methods, request.headers)
        return response
    }

    // MARK: Bodies

    /// How long a body may take in all, however steadily it drips.
    private static let bodySeconds = 60.0

    /// The body, and the bytes that it was granted of what all bodies may take together.
    private func read(
        _ request: Request, _ writer: borrowing ResponseWriter, limit: Int
    ) async throws(ManagementError) -> (body: [UInt8], reserved: Int) {
        if let text = request.headers[.contentLength], let length = Int(text), length > limit {
            throw .bodyTooLarge(limit: limit)
        }
        var body: [UInt8] = []
        let reservation = BodyReservation(bodies)
        do {
            if request.headers[.expect]?.lowercased() == "100-continue" {
                try await writer.writeInformationalHead(HTTPResponse(status: .continue))
            }
            let start = ContinuousClock.now
            for try await chunk in request.body {
                guard body.count + chunk.readableBytes <= limit else {
                    throw ManagementError.bodyTooLarge(limit: limit)
                }
                guard reservation.extend(by: chunk.readableBytes) else {
                    throw ManagementError.unavailable("too many large requests at once")
                }
                guard ContinuousClock.now - start < .seconds(Self.bodySeconds) else {
                    throw ManagementError(.requestTimeout, "request_timeout", "the request body took too long")
                }
                body += chunk.readableBytesView
            }
        } catch let error as ManagementError {
            reservation.cancel()
            throw error
        } catch {
            reservation.cancel()
            throw .badRequest("the request body cannot be read")
        }
        return (body, reservation.byteCount)
    }
}

/// What the bodies of all requests that are being read or handled may take together.
private final class BodyBudget: Sendable {
    private static let byteLimit = 128 << 20
    private let used = Mutex(0)

    func reserve(_ byteCount: Int) -> Bool {
        used.withLock { used in
            guard used + byteCount <= Self.byteLimit else { return false }
            used += byteCount
            return true
        }
    }

    func release(_ byteCount: Int) { used.withLock { $0 -= byteCount } }
}

/// The share of one request.
private final class BodyReservation {
    private let budget: BodyBudget
    private(set) var byteCount = 0

    init(_ budget: BodyBudget) { self.budget = budget }

    func extend(by count: Int) -> Bool {
        guard budget.reserve(count) else { return false }
        byteCount += count
        return true
    }

    func cancel() {
        budget.release(byteCount)
        byteCount = 0
    }
}

extension HTTPPeer {
    init(_ address: SocketAddress?) {
        let text = address?.ipAddress ?? "unknown"
        self.init(
            address: text, port: address?.port ?? 0,
            isLoopback: text.hasPrefix("127.") || text == "::1" || text.hasPrefix("::ffff:127."))
    }
}

extension HTTPField.Name {
    fileprivate static var xContentTypeOptions: HTTPField.Name { HTTPField.Name("X-Content-Type-Options")! }
}
