extension ConfigurationKey {
    /// Why a value does not fit its key.
    private struct Mismatch: Error {
        let expected: String
        var found: String?
    }

    /// Reads `text` as a value of this key and stores it.
    ///
    /// - Parameters:
    ///   - variable: the free segment of the name, for keys that have one.
    ///   - place: what the error names first, such as `leveret.conf:3: heartbeat` or `--port`.
    ///   - example: what the error ends with.
    package func apply(
        _ text: String, variable: String = "", to configuration: inout Configuration, place: String, example: String
    ) throws(ConfigurationError) {
        do throws(Mismatch) {
            try apply(text, variable: variable, to: &configuration)
        } catch {
            let found = error.found ?? "'\(singleLine(text, maxBytes: 64))'"
            throw ConfigurationError("\(place): expected \(error.expected), found \(found); for example: \(example)")
        }
    }

    private func apply(
        _ text: String, variable: String, to configuration: inout Configuration
    ) throws(Mismatch) {
        switch kind {
        case .integer(let range, let field):
            configuration[keyPath: field] = try integer(text, in: range)
        case .optionalInteger(let range, let field):
            configuration[keyPath: field] = try integer(text, in: range)
        case .limit(let range, let field):
            configuration[keyPath: field] = text == "infinity" ? nil : try integer(text, in: range)
        case .integerOrAuto(let range, let field):
            let initial = Configuration()[keyPath: field]
            configuration[keyPath: field] = text == "auto" ? initial : try integer(text, in: range)
        case .byteSize(let range, let field):
            configuration[keyPath: field] = try byteSize(text, in: range)
        case .resourceBytes(let range, let field):
            guard let bytes = ResourceLimit.bytes(text), range ~= bytes else { throw Mismatch(expected: expectation) }
            configuration[keyPath: field] = .bytes(bytes)
        case .memoryShare(let range, let field):
            guard let share = ResourceLimit.share(text), range ~= share else { throw Mismatch(expected: expectation) }
            configuration[keyPath: field] = .memoryShare(share)
        case .text(let maxBytes, let secret, let field):
            configuration[keyPath: field] = try plainText(text, maxBytes: maxBytes, secret: secret)
        case .path(let field):
            configuration[keyPath: field] = try path(text)
        case .address(let field):
            guard ListenAddress.isAddress(text) else { throw Mismatch(expected: expectation) }
            configuration[keyPath: field] = text
        case .choice(let words, let field):
            guard words.contains(text) else { throw Mismatch(expected: expectation) }
            configuration[keyPath: field] = text
        case .listener:
            guard let address = ListenAddress.parse(text) else { throw Mismatch(expected: expectation) }
            if configuration.listeners.contains(address) { return }
            guard configuration.listeners.count < 64 else { throw Mismatch(expected: "at most 64 listeners") }
            configuration.listeners.append(address)
        case .listItem(let field):
            guard configuration[keyPath: field].count < 64 else { throw Mismatch(expected: "at most 64 of them") }
            configuration[keyPath: field].insert(try plainText(text, maxBytes: 255, secret: false))
        case .loopbackUser:
            switch text {
            case "true": configuration.loopbackUsers.insert(variable)
            case "false": configuration.loopbackUsers.remove(variable)
            default: throw Mismatch(expected: expectation)
            }
        case .userTag:
            guard text == "true" || text == "false" else { throw Mismatch(expected: expectation) }
            guard configuration.defaultUserTags.count < 64 else { throw Mismatch(expected: "at most 64 tags") }
            configuration.defaultUserTags[variable] = text == "true"
        case .noLoopbackUsers:
            guard text == "none" else { throw Mismatch(expected: expectation) }
            configuration.loopbackUsers = []
        }
    }

    /// What values the key takes, in words: for errors and for the sample file.
    var expectation: String {
        switch kind {
        case .integer(let range, _), .optionalInteger(let range, _):
            "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .limit(let range, _): "a whole number from \(range.lowerBound) to \(range.upperBound), or infinity"
        case .integerOrAuto(let range, _): "a whole number from \(range.lowerBound) to \(range.upperBound), or auto"
        case .byteSize(let range, _):
            "a size from \(range.lowerBound) to \(range.upperBound) bytes, in bytes or with KB, MB or GB"
        case .resourceBytes(let range, _):
            "a size of at least \(range.lowerBound) bytes, plain or with a unit such as MB (1000 kB) or MiB (1024 KiB)"
        case .memoryShare(let range, _): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .text(let maxBytes, _, _): "text of 1 to \(maxBytes) bytes without control characters"
        case .path: "a path of 1 to 1024 bytes"
        case .address: "an IPv4 or IPv6 address"
        case .choice(let words, _): "one of " + words.joined(separator: ", ")
        case .listener: "a port from 0 to 65535, or an IP address and a port"
        case .listItem: "text of 1 to 255 bytes without control characters"
        case .loopbackUser, .userTag: "true or false"
        case .noLoopbackUsers: "none"
        }
    }

    private func integer(_ text: String, in range: ClosedRange<Int>) throws(Mismatch) -> Int {
        guard let value = Self.digits(text[...]), range ~= value else { throw Mismatch(expected: expectation) }
        return value
    }

    private func byteSize(_ text: String, in range: ClosedRange<Int>) throws(Mismatch) -> Int {
        let units = [
            ("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
        ]
        var number = text[...]
        var unit = 1
        for (name, bytes) in units where text.hasSuffix(name) || text.hasSuffix(name.lowercased()) {
            number = text.dropLast(name.count)
            unit = bytes
        }
        guard let value = Self.digits(number) else { throw Mismatch(expected: expectation) }
        let (bytes, overflow) = value.multipliedReportingOverflow(by: unit)
        guard !overflow, range ~= bytes else { throw Mismatch(expected: expectation) }
        return bytes
    }

    /// Decimal digits only: `Int` alone would take a sign as well.
    private static func digits(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? Int(text) : nil
    }

    private func plainText(_ text: String, maxBytes: Int, secret: Bool) throws(Mismatch) -> String {
        let length = text.utf8.count
        guard 1...maxBytes ~= length else { throw Mismatch(expected: expectation, found: "\(length) bytes") }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw Mismatch(expected: expectation, found: secret ? "a control character" : nil)
        }
        return text
    }

    private func path(_ text: String) throws(Mismatch) -> String {
        guard 1...1024 ~= text.utf8.count, !text.utf8.contains(0) else { throw Mismatch(expected: expectation) }
        guard text == "~" || text.hasPrefix("~/") else { return text }
        guard let home = Configuration.processEnvironment("HOME"), !home.isEmpty else {
            throw Mismatch(expected: "an absolute path, because HOME is not set")
        }
        return home + text.dropFirst()
    }
}
