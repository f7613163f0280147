import AMQPWire

/// What decodes bytes from outside, fed with anything: it must throw or return, and what it reads it must write again
/// as the same value.
package func fuzzFrames(_ bytes: UnsafeRawBufferPointer) {
    guard let selector = bytes.first else { return }
    let rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
    switch selector % 4 {
    case 0: fuzzMethod(rest)
    case 1: fuzzProperties(rest)
    case 2: fuzzTable(rest)
    default:
        var reader = WireReader(rest)
        try? reader.skipTableEntries(depth: 1)
    }
}

private func fuzzMethod(_ bytes: UnsafeRawBufferPointer) {
    var reader = WireReader(bytes)
    guard let method = try? Method.decode(&reader) else { return }
    var buffer = OutboundBuffer()
    defer { buffer.deallocate() }
    method.writeFrame(channel: 1, to: &buffer)
    let payload = UnsafeRawBufferPointer(rebasing: buffer.bytes[Frame.headByteCount..<buffer.count - 1])
    var again = WireReader(payload)
    guard let second = try? Method.decode(&again) else { fatalError("\(method) does not survive its own encoding") }
    var secondBuffer = OutboundBuffer()
    defer { secondBuffer.deallocate() }
    second.writeFrame(channel: 1, to: &secondBuffer)
    // Bytes, not values: a NaN is not equal to itself.
    precondition(buffer.bytes.elementsEqual(secondBuffer.bytes), "\(method) is written in two ways")
}

private func fuzzProperties(_ bytes: UnsafeRawBufferPointer) {
    let view = try? BasicPropertiesView(validating: bytes)
    var reader = WireReader(bytes)
    let properties = try? BasicProperties(from: &reader)
    precondition((view == nil) == (properties == nil), "validating and reading disagree")
    guard let view, let properties else { return }
    precondition(view.isPersistent == (properties.deliveryMode == 2), "delivery modes differ")
    for (text, string) in [
        (view.correlationID, properties.correlationID), (view.replyTo, properties.replyTo),
        (view.expiration, properties.expiration), (view.messageID, properties.messageID),
        (view.userID, properties.userID),
    ] {
        precondition(text.elementsEqual(string?.bytes ?? []), "properties differ")
    }
    precondition(view.timestamp == properties.timestamp, "timestamps differ")
    precondition(view.priority == properties.priority ?? 0, "priorities differ")
    var buffer = OutboundBuffer()
    defer { buffer.deallocate() }
    properties.write(to: &buffer)
    precondition((try? BasicPropertiesView(validating: buffer.bytes)) != nil, "written properties are not valid")
}

private func fuzzTable(_ bytes: UnsafeRawBufferPointer) {
    var reader = WireReader(bytes)
    var skipper = WireReader(bytes)
    let table = try? FieldTable(readingAll: &reader, depth: 1)
    let isValid = (try? skipper.skipTableEntries(depth: 1)) != nil
    precondition((table != nil) == isValid, "skipping and reading disagree")
}
