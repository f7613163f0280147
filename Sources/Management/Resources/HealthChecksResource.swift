import Broker
import HTTPTypes
import JSON
import Node

/// `/api/health/checks`, and the older ways to ask whether a node is well: 200, or 503 with the reason.
enum HealthChecksResource: Resource {
    static let routes =
        [
            check("alarms", alarms), check("local-alarms", alarms),
            check("virtual-hosts") { _ throws(ManagementError) in ok },
            check("port-listener/{port}", portListener),
            check("protocol-listener/{protocol}", protocolListener),
            check("certificate-expiration/{within}/{unit}", certificates),
            // A node is no cluster: nothing depends on it alone but itself.
            check("node-is-quorum-critical") { _ throws(ManagementError) in singleNode },
            check("node-is-mirror-sync-critical") { _ throws(ManagementError) in singleNode },
            check("metadata-store/initialized") { _ throws(ManagementError) in ok },
            check("metadata-store/initialized/with-data") { _ throws(ManagementError) in ok },
            check("quorum-queues-without-elected-leaders/vhost/{vhost}/pattern/{pattern}") {
                _ throws(ManagementError) in ok
            },
            check("quorum-queues-without-elected-leaders/all-vhosts/pattern/{pattern}") {
                _ throws(ManagementError) in ok
            },
            check("below-node-connection-limit", belowConnectionLimit),
            // RabbitMQ answers these to everybody: probes have no password.
            check("is-in-service", access: .open) { _ throws(ManagementError) in ok },
            check("ready-to-serve-clients", access: .open, readyToServe),
        ] + [
            Route(.get, "/api/healthchecks/node", access: .management) { _ throws(ManagementError) in ok },
            Route(.get, "/api/healthchecks/node/{node}", access: .management) { request throws(ManagementError) in
                try request.checkNode()
                return ok
            },
            Route(.get, "/api/aliveness-test/{vhost}", access: .virtualHost) { request throws(ManagementError) in
                _ = try request.virtualHost
                return ok
            },
        ]

    private static func check(
        _ path: String, access: RouteAccess = .management, _ handler: @escaping Route.Handler
    ) -> Route {
        Route(.get, "/api/health/checks/\(path)", access: access, handler)
    }

    private static let ok = ManagementResponse.json(["status": "ok"])
    private static let singleNode = ManagementResponse.json(["status": "ok", "reason": "single node cluster"])

    private static func failed(_ reason: String, _ more: JSONObject = JSONObject()) -> ManagementResponse {
        var object: JSONObject = ["status": "failed", "reason": .string(reason)]
        object.append(contentsOf: more)
        return .json(.object(object), status: .serviceUnavailable)
    }

    private static func connectionCount(_ request: ManagementRequest) -> Int {
        request.administration.controlPlane.objectCounts.connections
    }

    // MARK: Checks

    private static func alarms(_ request: ManagementRequest) throws(ManagementError) -> ManagementResponse {
        let alarms = request.context.node.resourceAlarms
        if alarms.isEmpty { return ok }
        let node = JSONValue.string(request.context.configuration.nodeName)
        var items: [JSONValue] = []
        if alarms.contains(.disk) { items.append(["resource": "disk space", "node": node]) }
        if alarms.contains(.memory) { items.append(["resource": "memory", "node": node]) }
        return failed("There are alarms in effect in the cluster", ["alarms": .array(items)])
    }

    private static func portListener(_ request: ManagementRequest) throws(ManagementError) -> ManagementResponse {
        guard let port = Int(request.parameters["port"] ?? ""), 0...65535 ~= port else {
            throw .badRequest("Invalid port")
        }
        let listeners = NodeListener.all(request)
        guard listeners.contains(where: { $0.port == port }) else {
            return failed(
                "No active listener",
                ["missing": .integer(port), "ports": .array(listeners.map { .integer($0.port) })])
        }
        return .json(["status": "ok", "port": .integer(port)])
    }

    private static func protocolListener(_ request: ManagementRequest) throws(ManagementError) -> ManagementResponse {
        let wanted = request.parameters["protocol"] ?? ""
        let name = ["amqp091", "amqp10", "amqp1.0"].contains(wanted.lowercased()) ? "amqp" : wanted.lowercased()
        let listeners = NodeListener.all(request)
        // AMQP 1.0 is another protocol, which RabbitMQ speaks on the same port; this broker does not.
        let isSpoken = !wanted.lowercased().hasPrefix("amqp1") && listeners.contains { $0.protocolName == name }
        guard isSpoken else {
            let names = Set(listeners.map(\.protocolName)).sorted()
            return failed(
                "No active listener",
                ["missing": .string(wanted), "protocols": .array(names.map { .string($0) })])
        }
        return .json(["status": "ok", "protocol": .string(name)])
    }

    /// No listener has a certificate.
    private static func certificates(_ request: ManagementRequest) throws(ManagementError) -> ManagementResponse {
        guard ["days", "weeks", "months", "years"].contains(request.parameters["unit"] ?? "") else {
            throw .badRequest("Time unit not recognised. Supported units: days, weeks, months, years.")
        }
        guard let within = Int(request.parameters["within"] ?? ""), within >= 0 else {
            throw .badRequest("Invalid expiration value.")
        }
        return ok
    }

    private static func readyToServe(_ request: ManagementRequest) throws(ManagementError) -> ManagementResponse {
        guard NodeListener.all(request).contains(where: { $0.protocolName == "amqp" }) else {
            return failed("no active listeners for AMQP/AMQPS")
        }
        return isBelowConnectionLimit(request) ? ok : connectionLimitReached(request)
    }

    private static func belowConnectionLimit(
        _ request: ManagementRequest
    ) throws(ManagementError) -> ManagementResponse {
        guard isBelowConnectionLimit(request) else { return connectionLimitReached(request) }
        let limit = request.context.configuration.limits.connections
        return .json([
            "status": "ok", "limit": limit.map { .integer($0) } ?? "infinity",
            "connections": .integer(connectionCount(request)),
        ])
    }

    private static func isBelowConnectionLimit(_ request: ManagementRequest) -> Bool {
        request.context.configuration.limits.connections.map { connectionCount(request) < $0 } ?? true
    }

    private static func connectionLimitReached(_ request: ManagementRequest) -> ManagementResponse {
        let limit = request.context.configuration.limits.connections
        return failed(
            "node connection limit is reached",
            [
                "limit": limit.map { .integer($0) } ?? "infinity",
                "connections": .integer(connectionCount(request)),
            ])
    }
}

/// Where the node listens, for what.
struct NodeListener {
    /// RabbitMQ's names: `amqp`, `http`.
    let protocolName: String
    let host: String
    let port: Int

    static func all(_ request: ManagementRequest) -> [NodeListener] {
        var listeners = request.context.node.listeningAddresses.compactMap { NodeListener("amqp", $0) }
        if let address = request.context.listeningAddress {
            listeners += [NodeListener("http", address)].compactMap { $0 }
        }
        return listeners.sorted { ($0.protocolName, $0.port) < ($1.protocolName, $1.port) }
    }

    /// nil for what is no `127.0.0.1:5672` or `[::1]:5672`.
    init?(_ protocolName: String, _ address: String) {
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]) else {
            return nil
        }
        var host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.protocolName = protocolName
        self.host = String(host)
        self.port = port
    }

    func json(node: String) -> JSONObject {
        [
            "node": .string(node), "protocol": .string(protocolName), "ip_address": .string(host),
            "port": .integer(port), "socket_opts": [],
        ]
    }
}
