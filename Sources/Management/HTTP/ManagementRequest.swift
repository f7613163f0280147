import AMQPWire
import HTTPTypes
import JSON
import Node

/// A request as its resource gets it: the path matched and decoded, the user logged in, the body read.
package struct ManagementRequest: Sendable {
    package let context: ManagementContext
    package let method: HTTPRequest.Method
    /// The path as it was sent, without the query: what relative addresses in answers start from.
    package let path: String
    package let parameters: PathParameters
    package let query: Query
    package let headers: HTTPFields
    /// Of a route that is open to everybody, this is nobody.
    package let user: AuthenticatedUser
    package let peer: HTTPPeer
    /// At most as large as the route says.
    package let body: [UInt8]

    package var administration: Administration { context.administration }
}

/// Where a request came from.
package struct HTTPPeer: Sendable {
    package let address: String
    package let port: Int
    package let isLoopback: Bool
}

/// What a path's template left open: `vhost` of `/api/queues/{vhost}`, decoded.
package struct PathParameters: Sendable, Equatable {
    var values: [(name: String, value: String)] = []

    package subscript(name: String) -> String? { values.first { $0.name == name }?.value }

    package static func == (left: Self, right: Self) -> Bool { left.values.elementsEqual(right.values, by: ==) }
}

extension ManagementRequest {
    /// A path parameter as the name of an object of the broker.
    ///
    /// - Throws: 400 when it has more than 255 bytes.
    package func name(_ parameter: String) throws(ManagementError) -> ShortString {
        let text = parameters[parameter] ?? ""
        guard let name = ShortString(text) else {
            throw .badRequest("\(parameter): a name has at most \(ShortString.byteLimit) bytes")
        }
        return name
    }

    /// A path parameter that names an exchange: the default exchange is `amq.default` here, as in RabbitMQ.
    package func exchangeName(_ parameter: String) throws(ManagementError) -> ShortString {
        let name = try name(parameter)
        return name == "amq.default" ? "" : name
    }

    /// What the request names as its virtual host, in its path or else in `X-Vhost`; nil when it names none.
    package var namedVirtualHost: ShortString? {
        get throws(ManagementError) {
            if parameters["vhost"] != nil { return try name("vhost") }
            guard let header = headers[.xVhost], !header.isEmpty else { return nil }
            guard let decoded = PercentEncoding.decode(header), let name = ShortString(decoded) else {
                throw .badRequest("X-Vhost: no name of a virtual host")
            }
            return name
        }
    }

    /// The virtual host that the path names.
    ///
    /// - Throws: 404 where there is none of this name.
    package var virtualHost: ShortString {
        get throws(ManagementError) {
            let name = try name("vhost")
            guard administration.hasVirtualHost(name) else { throw .notFound }
            return name
        }
    }

    /// The body as a JSON object; an empty body, and `null`, are one without members, as in RabbitMQ.
    package func fields() throws(ManagementError) -> JSONFields {
        JSONFields(try bodyObject())
    }

    package func bodyObject() throws(ManagementError) -> JSONObject {
        if body.isEmpty { return JSONObject() }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(body)
        } catch {
            throw .badRequest("not_json: \(error)")
        }
        switch value {
        case .object(let object): return object
        case .null: return JSONObject()
        default: throw .badRequest("not_json: an object was expected, found \(value.kindName)")
        }
    }
}

extension HTTPField.Name {
    package static var xVhost: HTTPField.Name { HTTPField.Name("X-Vhost")! }
    package static var xReason: HTTPField.Name { HTTPField.Name("X-Reason")! }
}
