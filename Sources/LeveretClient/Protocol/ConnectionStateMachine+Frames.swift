import AMQPWire

// Where bytes come in: frames are found, checked and handed on.
extension ConnectionStateMachine {
    /// A handshake frame may have this size before frame-max is negotiated.
    private static let handshakePayloadLimit = 131_072

    /// The largest payload that is accepted. Some brokers count the eight bytes around it wrongly.
    private var payloadLimit: Int {
        phase == .running || phase == .closing ? Int(frameMax) : Self.handshakePayloadLimit
    }

    /// Bytes that the socket gave. Complete frames are dealt with; the beginning of another is kept.
    mutating func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) {
        lastReceivedAt = now
        var rest = bytes
        do throws(LeveretError) {
            while !input.isEmpty, !rest.isEmpty, phase != .closed { try completeFrame(&rest) }
            let consumed = try readFrames(rest)
            if consumed < rest.count, phase != .closed {
                input.append(contentsOf: UnsafeRawBufferPointer(rebasing: rest[consumed...]))
            }
        } catch {
            fail(error, replyCode: .unexpectedFrame)
        }
    }

    /// The kept beginning of a frame gets just the bytes it lacks, so that the rest is read where it lies.
    private mutating func completeFrame(_ rest: inout UnsafeRawBufferPointer) throws(LeveretError) {
        var kept: [UInt8] = []
        swap(&kept, &input)
        let wanted = kept.withUnsafeBytes { frameByteCount($0) } - kept.count
        let taken = min(max(wanted, 1), rest.count)
        kept.append(contentsOf: UnsafeRawBufferPointer(rebasing: rest[..<taken]))
        rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        var failure: LeveretError?
        let consumed = kept.withUnsafeBytes { bytes -> Int in
            do throws(LeveretError) {
                return try readFrames(bytes)
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        if consumed > 0 { kept.removeAll(keepingCapacity: kept.capacity <= 1 << 18) }
        swap(&kept, &input)
    }

    /// How many bytes the frame that begins here has, as far as its head tells.
    private func frameByteCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count >= Frame.headByteCount else { return Frame.headByteCount }
        let size = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 3, as: UInt32.self))
        return min(Int(size), payloadLimit) + Frame.overheadByteCount
    }

    /// Deals with every complete frame; returns how many bytes those were.
    private mutating func readFrames(_ bytes: UnsafeRawBufferPointer) throws(LeveretError) -> Int {
        var position = 0
        while bytes.count - position >= Frame.headByteCount, phase != .closed {
            let type = bytes.load(fromByteOffset: position, as: UInt8.self)
            if phase == .starting, type == UInt8(ascii: "A") {
                guard bytes.count - position >= 8 else { break }
                throw .otherProtocol(Array(bytes[position + 4..<position + 8]))
            }
            let number = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: position + 1, as: UInt16.self))
            let size = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: position + 3, as: UInt32.self)))
            guard size <= payloadLimit else {
                throw .protocolViolation("a frame of \(size) bytes, where \(payloadLimit) are allowed")
            }
            guard bytes.count - position >= size + Frame.overheadByteCount else { break }
            let start = position + Frame.headByteCount
            guard bytes.load(fromByteOffset: start + size, as: UInt8.self) == Frame.end else {
                throw .protocolViolation("a frame without its end marker")
            }
            position = start + size + 1
            try receiveFrame(type: type, number: number, UnsafeRawBufferPointer(rebasing: bytes[start..<start + size]))
        }
        return position
    }

    private mutating func receiveFrame(
        type: UInt8, number: UInt16, _ payload: UnsafeRawBufferPointer
    ) throws(LeveretError) {
        if type == Frame.heartbeat { return }
        guard type == Frame.method || type == Frame.header || type == Frame.body else {
            throw .protocolViolation("a frame of unknown type \(type)")
        }
        if number == 0 {
            guard type == Frame.method else { throw .protocolViolation("content on channel 0") }
            return try receiveConnectionMethod(try decode(payload))
        }
        switch phase {
        case .running: try receiveChannelFrame(type: type, number: number, payload)
        // What was under way when this side closed.
        case .closing, .closed: break
        default: throw .protocolViolation("a channel's frame before the connection is open")
        }
    }

    func decode(_ payload: UnsafeRawBufferPointer) throws(LeveretError) -> Method {
        do {
            var reader = WireReader(payload)
            return try Method.decode(&reader)
        } catch {
            throw .malformed(error, in: "a method")
        }
    }
}
