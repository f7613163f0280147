import AMQPWire
import Broker
import JSON

/// `properties_key`: what tells bindings between the same two apart. RabbitMQ's form: the routing key, quoted; a tilde
/// and a hash of the arguments, if there are any; a tilde alone for a binding with neither. Clients give it back as it
/// was given to them.
struct PropertiesKey: Equatable, Sendable {
    let routingKey: [UInt8]
    /// nil without arguments.
    let argumentsHash: String?

    init(routingKey: ShortString, arguments: FieldTable) {
        self.routingKey = routingKey.bytes
        argumentsHash = arguments.isEmpty ? nil : Self.hash(arguments)
    }

    init(_ binding: BindingSnapshot) { self.init(routingKey: binding.routingKey, arguments: binding.arguments) }

    /// - Throws: 400 for what was never given to anybody.
    init(text: String) throws(ManagementError) {
        let parts = text.split(separator: "~", omittingEmptySubsequences: false)
        guard parts.count <= 2, let key = PercentEncoding.bytes(parts[0], plusIsSpace: true) else {
            throw .badRequest("the properties key of the binding is malformed")
        }
        routingKey = key
        argumentsHash = parts.count == 2 && !parts[1].isEmpty ? String(parts[1]) : nil
    }

    var text: String {
        if routingKey.isEmpty, argumentsHash == nil { return "~" }
        return Self.quote(routingKey) + (argumentsHash.map { "~\($0)" } ?? "")
    }

    private static func quote(_ bytes: [UInt8]) -> String {
        var quoted: [UInt8] = []
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                quoted.append(byte)
            case 0x20: quoted.append(UInt8(ascii: "+"))
            default:
                quoted += (byte < 16 ? "%0" : "%").utf8
                quoted += String(byte, radix: 16, uppercase: true).utf8
            }
        }
        return String(decoding: quoted, as: UTF8.self)
    }

    /// RabbitMQ's: four bytes in the URL-safe alphabet of base 64.
    private static func hash(_ arguments: FieldTable) -> String {
        let hash = ErlangTermHash(arguments).value
        let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: hash >> $0) }
        let text = Base64.encode(bytes).utf8.compactMap { byte -> UInt8? in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            case UInt8(ascii: "="): nil
            default: byte
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
