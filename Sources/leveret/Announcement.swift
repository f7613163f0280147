import Broker
import Node

/// What the command prints once it listens.
enum Announcement {
    /// Lines for a person: version, addresses, data, and how to connect.
    static func text(
        configuration: Configuration, listeningAddresses: [String], httpAddress: String?, metricsAddress: String?
    ) -> String {
        var lines = ["leveret \(Version.current)"]
        lines += listeningAddresses.map { "listening on \($0)" }
        if let httpAddress { lines.append("HTTP API on http://\(httpAddress)/api/") }
        if let metricsAddress { lines.append("metrics on http://\(metricsAddress)/metrics") }
        let directory = singleLine(configuration.dataDirectory, maxBytes: 1024)
        lines.append("data in \(directory)")
        if let address = listeningAddresses.first {
            lines.append("connect to \(uri(configuration: configuration, listeningAddress: address))")
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// A URI for a client on this machine. A password that the operator chose is not printed.
    static func uri(configuration: Configuration, listeningAddress: String) -> String {
        var address = listeningAddress
        for wildcard in ["[::]:", "0.0.0.0:", ":::"] where address.hasPrefix(wildcard) {
            address = "127.0.0.1:" + address.dropFirst(wildcard.count)
        }
        let user = percentEncoded(configuration.defaultUser)
        let password = configuration.defaultPass == Configuration().defaultPass ? configuration.defaultPass : "PASSWORD"
        // Clients read an empty path as the virtual host "/".
        let path = configuration.defaultVHost == "/" ? "" : percentEncoded(configuration.defaultVHost)
        return "amqp://\(user):\(password)@\(address)/\(path)"
    }

    /// All but RFC 3986's unreserved characters as `%XX`.
    private static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A,
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}
