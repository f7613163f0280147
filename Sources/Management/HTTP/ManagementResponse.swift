import HTTPTypes
import JSON

/// What a resource answers.
package struct ManagementResponse: Sendable {
    package enum Body: Sendable {
        case none
        case bytes([UInt8], contentType: String)
        /// Written piece by piece, as fast as the client reads: for what may be long.
        case stream(contentType: String, @Sendable (ResponseStream) async throws -> Void)
    }

    package static let jsonType = "application/json"

    package var status: HTTPResponse.Status
    package var headers: HTTPFields = [:]
    package var body: Body

    package init(_ status: HTTPResponse.Status, headers: HTTPFields = [:], body: Body = .none) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package init(_ error: ManagementError) {
        self.init(error.status, headers: error.headers, body: .bytes(error.body.encoded, contentType: Self.jsonType))
    }

    package static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> ManagementResponse {
        ManagementResponse(status, body: .bytes(value.encoded, contentType: jsonType))
    }

    package static func json(_ object: JSONObject) -> ManagementResponse { json(.object(object)) }

    static func json(_ item: some JSONWritable) -> ManagementResponse {
        var text: [UInt8] = []
        JSONObjectBuilder.write(item, .all, to: &text)
        return ManagementResponse(.ok, body: .bytes(text, contentType: jsonType))
    }

    /// Something new is there.
    package static let created = ManagementResponse(.created)
    /// It was there and has changed, or is gone.
    package static let noContent = ManagementResponse(.noContent)

    /// - Parameter location: where to find it, relative to the request's path.
    package static func created(location: String) -> ManagementResponse {
        ManagementResponse(.created, headers: [.location: location])
    }
}
