import AMQPWire

/// What a closure writes, as an array.
func written(_ write: (inout OutboundBuffer) -> Void) -> [UInt8] {
    var buffer = OutboundBuffer()
    defer { buffer.deallocate() }
    write(&buffer)
    return [UInt8](buffer.bytes)
}

/// Reads from an array. The bytes lie in a block of exactly their size, so that reading past the end shows in a
/// sanitizer.
func reading<Result>(
    _ bytes: [UInt8], _ read: (inout WireReader) throws(WireError) -> Result
) throws(WireError) -> Result {
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { block.deallocate() }
    block.copyBytes(from: bytes)
    var reader = WireReader(UnsafeRawBufferPointer(block))
    return try read(&reader)
}

/// The payload of a method's frame: without the head of 7 bytes and the end marker.
func payload(of method: Method) -> [UInt8] {
    [UInt8](written { method.writeFrame(channel: 1, to: &$0) }.dropFirst(Frame.headByteCount).dropLast())
}

func decodeMethod(_ bytes: [UInt8]) throws(WireError) -> Method {
    try reading(bytes) { reader throws(WireError) in try Method.decode(&reader) }
}

func ascii(_ text: StaticString) -> [UInt8] {
    text.withUTF8Buffer { [UInt8]($0) }
}
