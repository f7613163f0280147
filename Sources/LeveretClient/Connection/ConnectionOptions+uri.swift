// amqp-uri   = "amqp://" [ user [ ":" password ] "@" ] host [ ":" port ] [ "/" vhost ] [ "?" query ]
// query      = name "=" value { "&" name "=" value }
//
// Source: RabbitMQ's URI specification. Here an empty virtual host is the default one, `/`.
extension ConnectionOptions {
    /// Reads `amqp://user:password@host:port/vhost?heartbeat=30&connection_name=orders`.
    ///
    /// Every part but the host may be left out. User, password, virtual host and values may be percent-encoded: the
    /// virtual host `a/b` is `a%2Fb`. Options: `heartbeat` (seconds), `connection_name`, `connection_timeout`
    /// (milliseconds), `frame_max`, `channel_max`.
    ///
    /// - Throws: ``LeveretError`` with code `invalidURI`. Its text never shows the password.
    public init(uri: String) throws(LeveretError) {
        self.init()
        guard let schemeEnd = uri.firstRange(of: "://") else { throw .invalidURI("it does not begin with amqp://") }
        let scheme = uri[..<schemeEnd.lowerBound].lowercased()
        guard scheme != "amqps" else { throw .invalidURI("amqps (TLS) is not supported yet") }
        guard scheme == "amqp" else { throw .invalidURI("it does not begin with amqp://") }
        var rest = uri[schemeEnd.upperBound...]
        if let fragment = rest.firstIndex(of: "#") { rest = rest[..<fragment] }
        if let mark = rest.firstIndex(of: "?") {
            try readQuery(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let slash = rest.firstIndex(of: "/") {
            try readVirtualHost(rest[rest.index(after: slash)...])
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            let login = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = try Self.percentDecoded(login[0], "user")
            if login.count > 1 { password = try Self.percentDecoded(login[1], "password") }
            rest = rest[rest.index(after: at)...]
        }
        try readAuthority(rest)
    }

    private mutating func readVirtualHost(_ text: Substring) throws(LeveretError) {
        // Some tools write the default virtual host as a second slash.
        if text.isEmpty || text == "/" { return }
        guard !text.contains("/") else {
            throw .invalidURI("a slash in the name of a virtual host is written %2F")
        }
        virtualHost = try Self.percentDecoded(text, "virtual host")
    }

    private mutating func readAuthority(_ text: Substring) throws(LeveretError) {
        var hostText = text
        var portText: Substring?
        if text.hasPrefix("[") {
            guard let bracket = text.firstIndex(of: "]") else { throw .invalidURI("a bracket is not closed") }
            hostText = text[text.index(after: text.startIndex)..<bracket]
            let behind = text[text.index(after: bracket)...]
            if behind.hasPrefix(":") {
                portText = behind.dropFirst()
            } else if !behind.isEmpty {
                throw .invalidURI("characters stand between host and port")
            }
        } else if let colon = text.firstIndex(of: ":") {
            hostText = text[..<colon]
            portText = text[text.index(after: colon)...]
        }
        if !hostText.isEmpty { host = try Self.percentDecoded(hostText, "host") }
        if let portText, !portText.isEmpty {
            guard let number = UInt16(portText), number > 0 else { throw .invalidURI("the port is no number") }
            port = Int(number)
        }
    }

    private mutating func readQuery(_ query: Substring) throws(LeveretError) {
        for option in query.split(separator: "&") {
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            let value = parts.count > 1 ? try Self.percentDecoded(parts[1], name) : ""
            switch name {
            case "heartbeat": heartbeatSeconds = try Self.number(value, name)
            case "connection_name": connectionName = value
            case "connection_timeout":
                connectTimeoutSeconds = max(1, Int((try Self.number(value, name) as UInt32) / 1000))
            case "frame_max": frameMax = try Self.number(value, name)
            case "channel_max": channelMax = try Self.number(value, name)
            // Other libraries have options of their own: a URI may be shared with them.
            default: break
            }
        }
    }

    private static func number<Integer: FixedWidthInteger>(
        _ text: String, _ name: String
    ) throws(LeveretError) -> Integer {
        guard let number = Integer(text), number >= 0 else {
            throw .invalidURI("\(name) is no number up to \(Integer.max)")
        }
        return number
    }

    static func percentDecoded(_ text: Substring, _ name: String) throws(LeveretError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal) else {
                throw .invalidURI("the \(name) has a percent sign without two hexadecimal digits behind it")
            }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .invalidURI("the \(name) is no UTF-8")
        }
        return decoded
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
