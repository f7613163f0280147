import AMQPWire
import Broker
import HTTPTypes
import Logging
import Node

/// `/api/definitions`: everything that can be declared and set, out and in.
enum DefinitionsResource: Resource {
    static let routes = [
        // The second is RabbitMQ's old name.
        Route(.get, "/api/definitions", access: .administrator, export),
        Route(.get, "/api/all-configuration", access: .administrator, export),
        Route(.post, "/api/definitions", access: .administrator, importAll),
        Route(.post, "/api/all-configuration", access: .administrator, importAll),
        Route(.get, "/api/definitions/{vhost}", access: .administrator) { request throws(ManagementError) in
            let host = try request.name("vhost")
            guard request.administration.hasVirtualHost(host) else { throw .badRequest("vhost_not_found") }
            return try export(request, virtualHost: host)
        },
        Route(.post, "/api/definitions/{vhost}", access: .administrator) {
            request async throws(ManagementError) in
            let host = try request.name("vhost")
            guard request.administration.hasVirtualHost(host) else { throw .notFound("vhost_not_found") }
            return try await run(request, virtualHost: host)
        },
    ]

    // MARK: Out

    private static func export(_ request: ManagementRequest) throws(ManagementError) -> ManagementResponse {
        try export(request, virtualHost: nil)
    }

    private static func export(
        _ request: ManagementRequest, virtualHost: ShortString?
    ) throws(ManagementError) -> ManagementResponse {
        let export = DefinitionsExport(
            controlPlane: request.administration.controlPlane, virtualHost: virtualHost,
            nodeName: request.context.configuration.nodeName)
        var response = ManagementResponse(
            .ok,
            body: .stream(contentType: ManagementResponse.jsonType) { stream in
                try await export.write { try await stream.write($0) }
            })
        if let name = request.query["download"] {
            guard isToken(name) else { throw .badRequest("query parameter 'download': a plain file name was expected") }
            response.headers[.contentDisposition] = "attachment; filename=\(name)"
        }
        return response
    }

    /// What may stand in a header without quotes.
    private static func isToken(_ text: String) -> Bool {
        1...255 ~= text.utf8.count
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    // MARK: In

    private static func importAll(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        try await run(request, virtualHost: nil)
    }

    /// 204 as RabbitMQ's where everything is as the definitions have it; else 200, and what is not.
    private static func run(
        _ request: ManagementRequest, virtualHost: ShortString?
    ) async throws(ManagementError) -> ManagementResponse {
        let bytes = try file(request)
        if bytes.isEmpty { return .noContent }
        let logger = request.context.logger
        do throws(DefinitionsError) {
            let definitions = try DefinitionsFiles.definitions(bytes, virtualHost: virtualHost)
            logger.info("user '\(request.user.name)' imports definitions")
            let report = try await DefinitionsImport(definitions, administration: request.administration).run()
            for note in report.notes.prefix(20) { logger.warning("definitions: \(note)") }
            return report.notes.isEmpty ? .noContent : .json(report.json)
        } catch {
            throw .badRequest("\(error)")
        }
    }

    /// The body, or the file in it, as a browser's form sends it.
    private static func file(_ request: ManagementRequest) throws(ManagementError) -> [UInt8] {
        let contentType = request.headers[.contentType] ?? ""
        guard contentType.lowercased().hasPrefix("multipart/form-data") else { return request.body }
        guard let form = MultipartForm(request.body, contentType: contentType), let file = form["file"] else {
            throw .badRequest("the form has no part 'file'")
        }
        return file
    }
}
