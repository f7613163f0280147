import AMQPWire
import Broker
import JSON

// Fields that describe the broker's objects, in requests and in definitions alike.
extension JSONFields {
    /// A required name of at most 255 bytes.
    package func name(_ field: String, mayBeEmpty: Bool = false) throws(ManagementError) -> ShortString {
        let text = try required(field, try string(field))
        guard let name = ShortString(text) else {
            throw .badRequest("field '\(field)': a name has at most \(ShortString.byteLimit) bytes")
        }
        if name.isEmpty, !mayBeEmpty { throw .badRequest("field '\(field)' is empty") }
        return name
    }

    /// Arguments and the like; empty when the field is not there.
    package func table(_ field: String) throws(ManagementError) -> FieldTable {
        try FieldTable(json: try object(field) ?? JSONObject(), field: field)
    }

    package func objectOrNil(_ field: String) throws(ManagementError) -> JSONObject? { try object(field) }

    package func objectOrEmpty(_ field: String) throws(ManagementError) -> JSONObject {
        try object(field) ?? JSONObject()
    }

    /// A list of strings, or RabbitMQ's older form of one string with commas.
    package func words(_ field: String) throws(ManagementError) -> [String]? {
        guard let value = self[field] else { return nil }
        if let text = value.string {
            return text.split(separator: ",").map { Self.trimmed($0) }.filter { !$0.isEmpty }
        }
        guard let values = value.array else { throw .badRequest("field '\(field)': a list of strings was expected") }
        var words: [String] = []
        for value in values {
            guard let word = value.string else { throw .badRequest("field '\(field)': a list of strings was expected") }
            words.append(word)
        }
        guard words.count <= 64, words.allSatisfy({ $0.utf8.count <= 255 }) else {
            throw .badRequest("field '\(field)': at most 64 strings of 255 bytes were expected")
        }
        return words
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    // MARK: Users

    /// A user of a request or of definitions: RabbitMQ's rules (`rabbit_auth_backend_internal:put_user`).
    package func user(named name: ShortString) throws(ManagementError) -> UserDefinition {
        let tags: [String]
        if let words = try words("tags") {
            tags = words
        } else if let isAdministrator = try bool("administrator") {
            // Before 2.3.
            tags = isAdministrator ? ["administrator"] : []
        } else {
            throw .badRequest("tags_not_present: field 'tags' is missing")
        }
        var user = UserDefinition(name: name, secret: try secret(), tags: tags)
        if let limits = try object("limits") {
            user.maxConnections = try JSONFields(limits).integer("max-connections")
            user.maxChannels = try JSONFields(limits).integer("max-channels")
        }
        return user
    }

    private func secret() throws(ManagementError) -> UserDefinition.Secret {
        let algorithm = try string("hashing_algorithm")
        switch (try string("password"), try string("password_hash")) {
        case (_?, _?): throw .badRequest("both_password_and_password_hash_are_provided")
        case (let password?, nil):
            guard password.utf8.count <= 4096 else { throw .badRequest("field 'password' is longer than 4096 bytes") }
            return .password(password)
        case (nil, let hash?):
            guard let bytes = Base64.decode(hash) else { throw .badRequest("field 'password_hash': not_base64") }
            guard bytes.count <= 256 else { throw .badRequest("field 'password_hash' is too long") }
            return .hash(bytes, algorithm: algorithm ?? "rabbit_password_hashing_sha256")
        case (nil, nil): return .hash([], algorithm: algorithm ?? "rabbit_password_hashing_sha256")
        }
    }

    package func permissions() throws(ManagementError) -> Permissions {
        let permissions = Permissions(
            configure: try required("configure", try string("configure")),
            write: try required("write", try string("write")), read: try required("read", try string("read")))
        do throws(AdministrationError) {
            try permissions.check()
        } catch {
            throw .badRequest(error.reason)
        }
        return permissions
    }

    package func topicPermission(
        user: ShortString, virtualHost: ShortString
    ) throws(ManagementError) -> TopicPermissionDefinition {
        TopicPermissionDefinition(
            user: user, virtualHost: virtualHost, exchange: try name("exchange", mayBeEmpty: true),
            write: try required("write", try string("write")), read: try required("read", try string("read")))
    }

    // MARK: Virtual hosts

    package func virtualHost(named name: ShortString) throws(ManagementError) -> VirtualHostDefinition {
        let metadata = JSONFields(try object("metadata") ?? JSONObject())
        var host = VirtualHostDefinition(name: name)
        host.description = try string("description")
        if host.description == nil { host.description = try metadata.string("description") }
        if let description = host.description, description.utf8.count > 4096 {
            throw .badRequest("field 'description' is longer than 4096 bytes")
        }
        host.tags = try words("tags")
        if host.tags == nil { host.tags = try metadata.words("tags") }
        host.isTracing = try bool("tracing")
        host.isProtected = try bool("protected_from_deletion")
        if host.isProtected == nil { host.isProtected = try metadata.bool("protected_from_deletion") }
        return host
    }

    /// The name of a queue type, in the form of arguments: RabbitMQ's own names of its modules are taken too.
    package func defaultQueueTypeName() throws(ManagementError) -> String? {
        let metadata = JSONFields(try object("metadata") ?? JSONObject())
        var name = try string("default_queue_type")
        if name == nil { name = try metadata.string("default_queue_type") }
        switch name {
        case "rabbit_classic_queue": return "classic"
        case "rabbit_quorum_queue": return "quorum"
        case "rabbit_stream_queue": return "stream"
        default: return name
        }
    }

    package func virtualHostLimits() throws(ManagementError) -> VirtualHostLimitsDefinition {
        var limits = VirtualHostLimitsDefinition()
        limits.maxConnections = try integer("max-connections")
        limits.maxQueues = try integer("max-queues")
        return limits
    }

    // MARK: Policies

    /// A policy, not yet checked.
    package func policy(named name: ShortString) throws(ManagementError) -> Policy {
        let pattern = try required("pattern", try string("pattern"))
        guard self["definition"] != nil else { throw .badRequest("field 'definition' is missing") }
        let target = try string("apply-to") ?? "all"
        guard let target = Policy.Target(rawValue: target.isEmpty ? "all" : target) else {
            throw .badRequest(
                "apply-to '\(target)' unrecognised; should be one of: "
                    + Policy.Target.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return Policy(
            name: name, pattern: pattern, target: target, priority: Int64(try integer("priority") ?? 0),
            definition: try table("definition"))
    }
}

extension AdministrationError {
    /// The text alone.
    package var reason: String {
        switch self {
        case .notFound(let text), .invalid(let text), .unavailable(let text): text
        }
    }
}
