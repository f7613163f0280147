import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1

/// Speaks to the HTTP API: JSON in, JSON out.
struct ManagementClient: Sendable {
    let endpoint: Endpoint
    let timeoutSeconds: Int64

    /// So much of an answer is read, and not more: 100 000 queues with all their fields are about 200 MB.
    static let answerByteLimit = 1 << 30

    /// It lives as long as the process.
    private static let http = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: {
            var configuration = HTTPClient.Configuration()
            // A redirection would carry the password to another place.
            configuration.redirectConfiguration = .disallow
            configuration.timeout.connect = .seconds(5)
            configuration.httpVersion = .http1Only
            // Nobody waits for a broker that does not run, unless asked to: ping --wait.
            configuration.connectionPool.retryConnectionEstablishment = false
            return configuration
        }())

    struct Answer {
        let status: Int
        let body: [UInt8]
    }

    func get(_ path: APIPath) async throws -> JSONValue { try await json(.GET, path, nil).value }

    /// nil where there is nothing of that name.
    func find(_ path: APIPath) async throws -> JSONValue? {
        do {
            return try await get(path)
        } catch let error as ServerError where error.isNotFound {
            return nil
        }
    }

    /// Returns whether it is new: 201, where 204 says that it was there.
    @discardableResult
    func put(_ path: APIPath, _ body: JSONValue) async throws -> Bool { try await json(.PUT, path, body).isNew }

    /// - Parameter additionalSeconds: what it may take longer than usual.
    @discardableResult
    func post(_ path: APIPath, _ body: JSONValue, additionalSeconds: Int64 = 0) async throws -> JSONValue {
        try await json(.POST, path, body, additionalSeconds: additionalSeconds).value
    }

    func delete(_ path: APIPath, headers: [(String, String)] = []) async throws {
        _ = try await json(.DELETE, path, nil, headers: headers)
    }

    /// - Throws: `ServerError` for an answer that is not 2xx, `ControlError` when there is none.
    private func json(
        _ method: HTTPMethod, _ path: APIPath, _ body: JSONValue?, headers: [(String, String)] = [],
        additionalSeconds: Int64 = 0
    ) async throws -> (value: JSONValue, isNew: Bool) {
        let answer = try await answer(method, path, body, headers: headers, additionalSeconds: additionalSeconds)
        guard 200..<300 ~= answer.status else {
            throw ServerError(status: answer.status, body: answer.body, request: "\(method.rawValue) /api\(path)")
        }
        if answer.body.allSatisfy({ $0 == 0x20 || $0 == 0x0A || $0 == 0x0D }) {
            return (.null, answer.status == 201)
        }
        do {
            return (try JSONValue(parsing: answer.body), answer.status == 201)
        } catch {
            throw ControlError(
                "\(endpoint.address) does not speak RabbitMQ's HTTP API: its answer to /api\(path) is no JSON ("
                    + "\(error.reason), at byte \(error.offset)). Check --url")
        }
    }

    /// Whatever the server answers to a GET.
    func answer(to path: APIPath) async throws -> Answer { try await answer(.GET, path, nil) }

    private func answer(
        _ method: HTTPMethod, _ path: APIPath, _ body: JSONValue?, headers: [(String, String)] = [],
        additionalSeconds: Int64 = 0
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: "\(endpoint.address)/api\(path)")
        request.method = method
        let login = Array("\(endpoint.user):\(endpoint.password)".utf8)
        request.headers.add(name: "authorization", value: "Basic \(Base64.encode(login))")
        request.headers.add(name: "accept", value: "application/json, */*;q=0.5")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body.compact))
        }
        do {
            let response = try await Self.http.execute(request, timeout: .seconds(timeoutSeconds + additionalSeconds))
            let body = try await response.body.collect(upTo: Self.answerByteLimit)
            return Answer(status: Int(response.status.code), body: Array(body.readableBytesView))
        } catch is NIOTooManyBytesError {
            throw ControlError("the answer to /api\(path) is larger than 1 GiB: ask for less, for example with --name")
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw TransportFailure.explained(error, endpoint)
        }
    }
}
