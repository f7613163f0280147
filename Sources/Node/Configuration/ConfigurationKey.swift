/// One key of the configuration: all that the parser, the command line, the sample file and the error texts know of it.
package struct ConfigurationKey: Sendable {
    /// The dotted name as a file writes it. A last segment in capitals, as in `listeners.tcp.NAME`, is any name.
    package let name: String
    /// Another name that RabbitMQ knows the same setting by.
    let alias: String?
    let kind: Kind
    /// The default as the sample file shows it, where it depends on the machine or on the kind.
    let defaultText: String?
    /// A short explanation, in lines of at most 110 columns.
    let documentation: String

    typealias Field<Value> = any WritableKeyPath<Configuration, Value> & Sendable

    /// What values a key takes, and where they go.
    enum Kind: Sendable {
        /// A whole number in the range.
        case integer(ClosedRange<Int>, Field<Int>)
        /// A whole number in the range, or nothing.
        case optionalInteger(ClosedRange<Int>, Field<Int?>)
        /// nil is `infinity`.
        case limit(ClosedRange<Int>, Field<Int?>)
        /// A whole number in the range, or `auto` for the default.
        case integerOrAuto(ClosedRange<Int>, Field<Int>)
        /// A number of bytes, in units of KB, MB or GB (powers of 1024) when they are given.
        case byteSize(ClosedRange<Int>, Field<Int>)
        /// A number of bytes, with any unit that RabbitMQ's memory and disk limits know.
        case resourceBytes(ClosedRange<Int>, Field<ResourceLimit>)
        /// A multiple of the memory.
        case memoryShare(ClosedRange<Double>, Field<ResourceLimit>)
        /// Text of one to `maxBytes` bytes. A secret is never shown, not even in an error.
        case text(maxBytes: Int, secret: Bool, Field<String>)
        /// A path; a leading `~/` stands for the home directory.
        case path(Field<String>)
        /// An IPv4 or IPv6 address.
        case address(Field<String>)
        /// One of these words.
        case choice([String], Field<String>)
        /// A port or an address with a port, added to the listeners.
        case listener
        /// Text of at most 255 bytes, added to a list; what the key's last segment says does not matter.
        case listItem(Field<Set<String>>)
        /// `true` or `false` for the user whom the key names.
        case loopbackUser
        /// `true` or `false` for the tag that the key names.
        case userTag
        /// The word `none`: no user is restricted to loopback.
        case noLoopbackUsers
    }

    init(
        _ name: String, alias: String? = nil, _ kind: Kind, defaultText: String? = nil, _ documentation: String
    ) {
        self.name = name
        self.alias = alias
        self.kind = kind
        self.defaultText = defaultText
        self.documentation = documentation
    }

    /// The key of this name, of a file or of the command line.
    package static func named(_ name: String) -> ConfigurationKey? {
        all.first { $0.name == name } ?? commandLineOnly.first { $0.name == name }
    }

    /// The name's segments without the variable one.
    private var fixedSegments: ArraySlice<Substring> {
        let segments = name.split(separator: ".")
        return takesName ? segments.dropLast() : segments[...]
    }

    /// Whether the last segment of the name is free.
    var takesName: Bool {
        switch kind {
        case .listener, .listItem, .loopbackUser, .userTag: true
        default: false
        }
    }

    /// Whether a file's key, split into segments, is this key.
    func matches(_ segments: [String]) -> Bool {
        if let alias, segments.joined(separator: ".") == alias { return true }
        let fixed = fixedSegments
        return segments.count == fixed.count + (takesName ? 1 : 0) && zip(segments, fixed).allSatisfy { $0 == $1 }
    }

    /// An example that is valid for a file, such as `heartbeat = 60`.
    package var example: String {
        switch kind {
        case .listener: "listeners.tcp.default = 5672"
        case .listItem: "\(fixedSegments.joined(separator: ".")).1 = \(exampleValue)"
        case .loopbackUser: "loopback_users.guest = true"
        case .userTag: "default_user_tags.administrator = true"
        case .noLoopbackUsers: "loopback_users = none"
        default: "\(name) = \(exampleValue)"
        }
    }

    /// A valid value, such as `60`.
    package var exampleValue: String {
        switch kind {
        case .text(_, true, _): "a-long-secret"
        default: defaultText ?? valueText(in: Configuration())
        }
    }

    /// The value that a configuration holds, as a file would write it.
    func valueText(in configuration: Configuration) -> String {
        switch kind {
        case .integer(_, let field), .integerOrAuto(_, let field), .byteSize(_, let field):
            String(configuration[keyPath: field])
        case .optionalInteger(_, let field): configuration[keyPath: field].map { String($0) } ?? ""
        case .limit(_, let field): configuration[keyPath: field].map { String($0) } ?? "infinity"
        case .resourceBytes(_, let field), .memoryShare(_, let field):
            configuration[keyPath: field].text
        case .text(_, _, let field), .path(let field), .address(let field), .choice(_, let field):
            configuration[keyPath: field]
        case .listener: configuration.listeners.first?.description ?? ""
        case .listItem(let field): configuration[keyPath: field].sorted().first ?? ""
        case .loopbackUser, .userTag: "true"
        case .noLoopbackUsers: "none"
        }
    }
}
