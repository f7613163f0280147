/// Where the HTTP API is, and as whom to speak to it.
struct Endpoint: Equatable, Sendable {
    /// The address without a path and without a slash at its end: `http://127.0.0.1:15672`.
    let address: String
    /// What of the address names the machine, without brackets.
    let host: String
    let user: String
    let password: String

    static let defaultAddress = "http://127.0.0.1:15672"

    init(address: String, host: String, user: String, password: String) {
        self.address = address
        self.host = host
        self.user = user
        self.password = password
    }

    /// - Parameters:
    ///   - url: with or without scheme, port, path and user.
    ///   - isFromArguments: whether everybody on this machine can read it in the list of processes.
    init(url: String, user: String?, isFromArguments: Bool, password: (_ user: String) throws -> String) throws {
        func refused(_ reason: String) -> ControlError {
            ControlError("the URL \(url) cannot be used: \(reason). For example: --url \(Self.defaultAddress)")
        }
        var rest = Substring(url)
        var scheme = "http"
        if let end = rest.firstRange(of: "://") {
            scheme = rest[..<end.lowerBound].lowercased()
            rest = rest[end.upperBound...]
        }
        guard scheme == "http" || scheme == "https" else { throw refused("its scheme is neither http nor https") }
        var authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let path = rest[authority.endIndex...]
        guard path.allSatisfy({ $0 == "/" }) || path == "/api" || path == "/api/" else {
            throw refused("there is a path behind the address")
        }
        var login: (user: String, password: String?)?
        if let at = authority.lastIndex(of: "@") {
            login = try Self.login(authority[..<at], refused)
            if login?.password != nil, isFromArguments {
                throw ControlError(
                    "a password in --url can be read by everybody on this machine: put the URL into LEVERET_URL, or "
                        + "the password into LEVERET_PASSWORD, or give --password-stdin")
            }
            authority = authority[authority.index(after: at)...]
        }
        let (host, port) = try Self.hostAndPort(authority, refused)
        self.host = host
        // A port that is not given is the management listener's, not the one of web pages.
        let shown = host.contains(":") ? "[\(host)]" : host
        address = "\(scheme)://\(shown):\(port ?? (scheme == "https" ? 15671 : 15672))"
        let name = user ?? login?.user ?? "guest"
        self.user = name
        self.password = try login?.password ?? password(name)
    }

    private static func login(
        _ text: Substring, _ refused: (String) -> ControlError
    ) throws -> (user: String, password: String?) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let user = decoded(parts[0]), let password = parts.count > 1 ? decoded(parts[1]) : "" else {
            throw refused("its user is not well encoded")
        }
        return (user, parts.count > 1 ? password : nil)
    }

    private static func hostAndPort(
        _ authority: Substring, _ refused: (String) -> ControlError
    ) throws -> (String, UInt16?) {
        var host = authority
        var port: Substring?
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { throw refused("a bracket is not closed") }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let behind = authority[authority.index(after: end)...]
            guard behind.isEmpty || behind.first == ":" else { throw refused("there is something behind the bracket") }
            if !behind.isEmpty { port = behind.dropFirst() }
        } else if let colon = authority.lastIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        let isName = host.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7F && !"\"<>\\^`{|}%@[]".utf8.contains(byte)
        }
        guard !host.isEmpty, isName else { throw refused("it has no usable host") }
        guard let port, !port.isEmpty else { return (String(host), nil) }
        guard let number = UInt16(port), number > 0 else { throw refused("\(port) is no port") }
        return (String(host), number)
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte != UInt8(ascii: "%") {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
