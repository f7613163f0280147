#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A TCP address to listen on.
package struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// An IPv4 or IPv6 address, without brackets. ``allInterfaces`` stands for every interface.
    package var host: String
    /// 0 lets the system choose a free port.
    package var port: Int

    /// The IPv6 wildcard, which on Linux takes IPv4 connections too. Where the machine has no IPv6, the listener
    /// takes `0.0.0.0` instead.
    package static let allInterfaces = "::"

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `127.0.0.1:5672`, or `[::1]:5672`.
    package var description: String { Self.join(host: host, port: port) }

    /// Host and port as a URI writes them, with brackets around an IPv6 address.
    package static func join(host: String, port: Int) -> String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// The host for the system: all interfaces are IPv6's wildcard, and IPv4's where the machine has no IPv6.
    package var hostToBind: String {
        guard host == Self.allInterfaces else { return host }
        #if canImport(Glibc)
            let probe = socket(AF_INET6, CInt(SOCK_STREAM.rawValue), 0)
        #else
            let probe = socket(AF_INET6, SOCK_STREAM, 0)
        #endif
        guard probe >= 0 else { return "0.0.0.0" }
        close(probe)
        return host
    }

    /// Whether `text` is a literal IPv4 or IPv6 address. Names are not looked up: what a broker listens on should not
    /// depend on a name server.
    package static func isAddress(_ text: String) -> Bool {
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return false }
        var address = in6_addr()
        return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1
    }

    /// Reads `5672` (all interfaces), `127.0.0.1:5672`, `::1:5672` or `[::1]:5672`, as RabbitMQ does.
    static func parse(_ text: String) -> ListenAddress? {
        guard let colon = text.lastIndex(of: ":") else {
            return port(text[...]).map { ListenAddress(host: allInterfaces, port: $0) }
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]"), host.count > 2 { host = host.dropFirst().dropLast() }
        guard let port = port(text[text.index(after: colon)...]), isAddress(String(host)) else { return nil }
        return ListenAddress(host: String(host), port: port)
    }

    private static func port(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let port = Int(text) else { return nil }
        return 0...65535 ~= port ? port : nil
    }
}
