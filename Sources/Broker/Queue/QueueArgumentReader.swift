import AMQPWire

/// Reads and checks the arguments of a new queue, one by one, in the words of RabbitMQ's `rabbit_amqqueue`: a reason is
/// printed as an Erlang term, so a text stands in quotes.
struct QueueArgumentReader {
    let type: QueueType
    private let table: FieldTable
    private let resource: ResourceName

    init(_ table: FieldTable, resource: ResourceName) throws(ProtocolError) {
        self.table = table
        self.resource = resource
        // RabbitMQ looks at the permission for this exchange before it checks the arguments.
        if let exchange = table["x-dead-letter-exchange"], exchange.text == nil {
            throw .invalidArgumentType("x-dead-letter-exchange", resource, type: exchange.typeName)
        }
        type = try Self.type(table["x-queue-type"], resource)
    }

    private static func type(_ value: FieldValue?, _ resource: ResourceName) throws(ProtocolError) -> QueueType {
        guard let value else { return .classic }
        func refused(_ reason: String) -> ProtocolError { .invalidArgument("x-queue-type", resource, reason: reason) }
        guard let name = value.text else { throw refused("{unacceptable_type,\(value.typeName)}") }
        if let type = QueueType(rawValue: name) { return type }
        if name == "stream" { throw refused("\"streams are not available in this version\"") }
        throw refused(quoted("unsupported queue type '\(name)'"))
    }

    /// Arguments of other types are not read: `checkForeign` refuses them in the end.
    private func value(_ key: ShortString) -> FieldValue? {
        type.foreignArguments.contains(key) ? nil : table[key]
    }

    private func refused(_ key: ShortString, _ reason: String) -> ProtocolError {
        .invalidArgument(key, resource, reason: reason)
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for character in text {
            if character == "\"" || character == "\\" { quoted.append("\\") }
            quoted.append(character)
        }
        return quoted + "\""
    }

    // MARK: Numbers

    func integer(_ key: ShortString) throws(ProtocolError) -> Int64? {
        guard let value = value(key) else { return nil }
        guard let integer = value.integer else {
            throw refused(key, "\"expected integer, got \(value.typeName)\"")
        }
        return integer
    }

    /// A number that is not negative.
    func count(_ key: ShortString, isZeroAllowed: Bool = true) throws(ProtocolError) -> Int? {
        guard let integer = try integer(key) else { return nil }
        if integer == 0, !isZeroAllowed { throw refused(key, "{value_zero,0}") }
        if integer < 0 { throw refused(key, "{value_negative,\(integer)}") }
        return Int(integer)
    }

    /// A time to live: at most ten years.
    func timeToLive(_ key: ShortString, isZeroAllowed: Bool = true) throws(ProtocolError) -> UInt64? {
        guard let count = try count(key, isZeroAllowed: isZeroAllowed) else { return nil }
        guard count <= Expiration.millisecondsLimit else { throw refused(key, "{value_too_large,\(count)}") }
        return UInt64(count)
    }

    /// At most so many that a moment plus them is still a moment.
    func milliseconds(_ key: ShortString, isZeroAllowed: Bool = true) throws(ProtocolError) -> UInt64? {
        try count(key, isZeroAllowed: isZeroAllowed).map { min(UInt64($0), Limit.durationMilliseconds) }
    }

    func priority(_ key: ShortString) throws(ProtocolError) -> UInt8? {
        guard let count = try count(key) else { return nil }
        guard let priority = UInt8(exactly: count) else { throw refused(key, "{max_value_exceeded,\(count)}") }
        return priority
    }

    // MARK: Texts

    func bool(_ key: ShortString) throws(ProtocolError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard case .bool(let bool) = value else { throw refused(key, "{unacceptable_type,\(value.typeName)}") }
        return bool
    }

    func text(_ key: ShortString) throws(ProtocolError) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value.text else { throw refused(key, "{unacceptable_type,\(value.typeName)}") }
        return text
    }

    /// A name or a routing key.
    func name(_ key: ShortString) throws(ProtocolError) -> ShortString? {
        guard try text(key) != nil, case .longString(let bytes)? = value(key) else { return nil }
        guard bytes.count <= ShortString.byteLimit else { throw refused(key, "\"longer than 255 bytes\"") }
        return ShortString(bytes: bytes)
    }

    func oneOf<Choice: RawRepresentable<String>>(
        _ key: ShortString, reason: String
    ) throws(ProtocolError) -> Choice? {
        guard let text = try text(key) else { return nil }
        guard let choice = Choice(rawValue: text) else { throw refused(key, reason) }
        return choice
    }

    // MARK: Several

    func delayedRetry() throws(ProtocolError) -> DelayedRetry? {
        let kind: DelayedRetry.Kind? = try oneOf("x-delayed-retry-type", reason: "invalid_delayed_retry_type")
        let minimum = try milliseconds("x-delayed-retry-min")
        let maximum = try milliseconds("x-delayed-retry-max")
        if let maximum, maximum < minimum ?? 0 {
            throw refused("x-delayed-retry-max", "\"less than x-delayed-retry-min\"")
        }
        guard let kind else { return nil }
        return DelayedRetry(
            kind: kind, minimumMilliseconds: minimum ?? 0, maximumMilliseconds: maximum ?? minimum ?? 0)
    }

    /// What is accepted and means nothing to one node.
    func checkIgnored() throws(ProtocolError) {
        if let mode = try text("x-queue-mode"), mode != "default", mode != "lazy" {
            throw refused("x-queue-mode", Self.quoted("unsupported queue mode '\(mode)'"))
        }
        if let version = try count("x-queue-version"), version != 1, version != 2 {
            throw refused("x-queue-version", "\"unsupported queue version '\(version)'\"")
        }
        _ = try count("x-quorum-initial-group-size", isZeroAllowed: false)
        if let locator = try text("x-queue-leader-locator"),
            !["client-local", "balanced", "random", "least-leaders"].contains(locator)
        {
            throw refused("x-queue-leader-locator", "invalid_queue_locator_arg")
        }
        _ = try text("x-member-placement-tag")
    }

    /// Arguments of another queue type.
    func checkForeign() throws(ProtocolError) {
        let foreign = type.foreignArguments
        for entry in table.entries where foreign.contains(entry.name) {
            throw .foreignArgument(entry.name, resource, type: type)
        }
    }
}
