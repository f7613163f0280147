import AMQPWire
import Testing

/// Header and body of a message, read out.
struct Content: Equatable {
    var properties: BasicProperties
    var body: [UInt8]
}

/// What a client got: a method with its content, if it has one, or something that is no method.
enum Received: Equatable {
    case method(Method, channel: UInt16, Content?)
    case heartbeat
    /// The broker's answer to a protocol header that it does not speak.
    case protocolHeader([UInt8])
    /// Bytes that are no frame: the text says why.
    case malformed(String)
}

extension Received: CustomStringConvertible {
    var description: String {
        switch self {
        case .method(let method, let channel, let content):
            "\(readable(method)) on channel \(channel)" + (content.map { " with \(readable($0))" } ?? "")
        case .heartbeat: "a heartbeat"
        case .protocolHeader(let bytes): "the protocol header \(bytes)"
        case .malformed(let reason): "malformed bytes: \(reason)"
        }
    }
}

/// `queue.declare-ok(queue: q, messageCount: 0, consumerCount: 0)`
func readable(_ method: Method) -> String {
    guard let value = Mirror(reflecting: method).children.first?.value else { return method.name }
    return readable(name: method.name, value)
}

func readable(_ method: some WireMethod) -> String { readable(name: type(of: method).name, method) }

func readable(_ content: Content) -> String {
    let properties = Mirror(reflecting: content.properties).children.compactMap { child -> String? in
        guard let value = Mirror(reflecting: child.value).children.first?.value else { return nil }
        return "\(child.label ?? ""): \(value)"
    }
    let isLong = content.body.count > 64
    let body = isLong ? "of \(content.body.count) bytes" : "'\(String(decoding: content.body, as: UTF8.self))'"
    return "body \(body)" + (properties.isEmpty ? "" : ", \(properties.joined(separator: ", "))")
}

private func readable(name: String, _ value: Any) -> String {
    let fields = Mirror(reflecting: value).children.map { "\($0.label ?? ""): \($0.value)" }
    return "\(name)(\(fields.joined(separator: ", ")))"
}

/// Takes a broker's bytes apart. Frames of one channel's content are put together.
struct FrameAssembly {
    private var bytes: [UInt8] = []
    private var unfinished: [UInt16: (method: Method, properties: BasicProperties?, size: Int, body: [UInt8])] = [:]
    /// What the client negotiated: a larger frame is a mistake. 0 is no limit.
    var frameMax = 0

    mutating func take(_ new: [UInt8]) -> [Received] {
        bytes += new
        var received: [Received] = []
        var position = 0
        while bytes.count - position >= 8 {
            if bytes[position...].starts(with: "AMQP".utf8) {
                received.append(.protocolHeader(Array(bytes[position..<position + 8])))
                position += 8
                continue
            }
            let size = bytes[position + 3..<position + 7].reduce(0) { $0 << 8 | Int($1) }
            guard bytes.count - position >= size + Frame.overheadByteCount else { break }
            let frame = Array(bytes[position..<position + size + Frame.overheadByteCount])
            if let complete = takeFrame(frame) { received.append(complete) }
            position += frame.count
        }
        bytes.removeFirst(position)
        return received
    }

    /// Whether the bytes so far end with a frame's end, and no content is missing.
    var isAtBoundary: Bool { bytes.isEmpty && unfinished.isEmpty }

    private mutating func takeFrame(_ frame: [UInt8]) -> Received? {
        guard frame.last == Frame.end else { return .malformed("a frame that ends with \(frame.last ?? 0)") }
        if frameMax > 0, frame.count > frameMax { return .malformed("a frame of \(frame.count) bytes") }
        let channel = UInt16(frame[1]) << 8 | UInt16(frame[2])
        let payload = Array(frame[Frame.headByteCount..<frame.count - 1])
        switch (frame[0], unfinished[channel]) {
        case (Frame.method, nil): return takeMethod(payload, channel)
        case (Frame.header, let content?) where content.properties == nil: return takeHeader(payload, channel)
        case (Frame.body, let content?) where content.properties != nil:
            unfinished[channel]?.body += payload
            return complete(channel)
        case (Frame.heartbeat, _) where channel == 0 && payload.isEmpty: return .heartbeat
        default: return .malformed("a frame of type \(frame[0]) out of place on channel \(channel)")
        }
    }

    private mutating func takeMethod(_ payload: [UInt8], _ channel: UInt16) -> Received? {
        let method = payload.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            return try? Method.decode(&reader)
        }
        guard let method else { return .malformed("a method that cannot be decoded: \(payload)") }
        let hasContent = method.classID == BasicDeliver.classID && [50, 60, 71].contains(method.methodID)
        guard hasContent else { return .method(method, channel: channel, nil) }
        unfinished[channel] = (method, nil, 0, [])
        return nil
    }

    private mutating func takeHeader(_ payload: [UInt8], _ channel: UInt16) -> Received? {
        let read = payload.withUnsafeBytes { bytes -> (size: Int, properties: BasicProperties)? in
            var reader = WireReader(bytes)
            guard (try? reader.readUInt16()) == 60, (try? reader.readUInt16()) == 0,
                let size = try? reader.readUInt64(), let properties = try? BasicProperties(from: &reader)
            else { return nil }
            return (Int(size), properties)
        }
        guard let read else { return .malformed("a content header that cannot be decoded: \(payload)") }
        unfinished[channel]?.properties = read.properties
        unfinished[channel]?.size = read.size
        return complete(channel)
    }

    private mutating func complete(_ channel: UInt16) -> Received? {
        guard let content = unfinished[channel], let properties = content.properties else { return nil }
        if content.body.count < content.size { return nil }
        unfinished[channel] = nil
        if content.body.count > content.size { return .malformed("a body longer than announced") }
        return .method(content.method, channel: channel, Content(properties: properties, body: content.body))
    }
}
