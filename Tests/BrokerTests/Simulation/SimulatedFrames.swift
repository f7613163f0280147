import AMQPWire

/// A frame as a client read it.
struct SimulatedFrame {
    let type: UInt8
    let channel: UInt16
    let payload: [UInt8]
}

/// Finds the frames in what a client has read.
struct SimulatedFrameReader {
    private var bytes: [UInt8] = []

    mutating func append(_ added: [UInt8]) { bytes += added }

    /// nil while no frame is complete. A broken end marker traps: the broker under test wrote it.
    mutating func next() -> SimulatedFrame? {
        guard bytes.count >= Frame.headByteCount else { return nil }
        let size = bytes[3..<7].reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count >= size + Frame.overheadByteCount else { return nil }
        precondition(bytes[Frame.headByteCount + size] == Frame.end, "the broker wrote a broken frame")
        let frame = SimulatedFrame(
            type: bytes[0], channel: UInt16(bytes[1]) << 8 | UInt16(bytes[2]),
            payload: Array(bytes[Frame.headByteCount..<Frame.headByteCount + size]))
        bytes.removeFirst(size + Frame.overheadByteCount)
        return frame
    }

    var isEmpty: Bool { bytes.isEmpty }
}

/// Method, header and body of a delivery, a get-ok or a return, while they come in.
struct SimulatedContent {
    let method: Method
    var byteCount: Int?
    var properties = BasicProperties()
    var body: [UInt8] = []

    init(method: Method) { self.method = method }

    mutating func receiveHeader(_ payload: [UInt8]) {
        byteCount = payload[4..<12].reduce(0) { $0 << 8 | Int($1) }
        properties = payload.withUnsafeBytes { bytes in
            var reader = WireReader(UnsafeRawBufferPointer(rebasing: bytes[12...]))
            return try! BasicProperties(from: &reader)
        }
    }

    var isComplete: Bool { byteCount == body.count }
}

extension SimulatedFrame {
    var method: Method {
        payload.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            return try! Method.decode(&reader)
        }
    }
}

/// Bodies that show where they come from.
enum SimulatedBody {
    static func bytes(message: UInt64, count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: message &* 31 &+ UInt64($0) &* 7) }
    }
}
