import AMQPWire

/// What a client has said of itself, and when: kept only to be shown.
struct ConnectionOrigin {
    /// Since 1970.
    var connectedMilliseconds: UInt64 = 0
    var mechanism: ShortString = ""
    /// As on the wire, which takes a fraction of the table.
    private var encodedProperties: [UInt8] = []

    var clientProperties: FieldTable {
        get {
            encodedProperties.withUnsafeBytes { bytes in
                var reader = WireReader(bytes)
                return (try? reader.readTable()) ?? FieldTable()
            }
        }
        set {
            var buffer = OutboundBuffer()
            buffer.write(newValue)
            encodedProperties = Array(buffer.bytes)
            buffer.deallocate()
        }
    }
}

/// What a connection's socket was given and has given.
struct ConnectionTraffic {
    var receivedByteCount: UInt64 = 0
    var readCount: UInt64 = 0
    var sentByteCount: UInt64 = 0
    var writeCount: UInt64 = 0
    /// Parts of the above that the virtual host has counted.
    var notedReceivedByteCount: UInt64 = 0
    var notedSentByteCount: UInt64 = 0
    /// Of the bytes received and sent; nil before the first sample.
    var history: SampleHistory?
}
