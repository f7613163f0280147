import AMQPWire
import Testing

@Suite struct DeliveryFramesTests {
    private static let addressing: [UInt8] = [4] + Array("logs".utf8) + [3] + Array("a.b".utf8)
    private static let properties: [UInt8] = [0x10, 0x00, 2]
    private static let consumerTag: [UInt8] = [2] + Array("c1".utf8)

    /// Runs the body with content of that many bytes.
    private func withContent(_ byteCount: Int, _ body: (ContentView) -> Void) {
        Self.addressing.withUnsafeBytes { addressing in
            Self.properties.withUnsafeBytes { properties in
                (0..<byteCount).map { UInt8(truncatingIfNeeded: $0) }.withUnsafeBytes { bytes in
                    body(ContentView(addressing: addressing, properties: properties, body: bytes))
                }
            }
        }
    }

    private func writeWhole(_ content: ContentView, tag: UInt64, frameMax: UInt32, to output: inout OutboundBuffer) {
        Self.consumerTag.withUnsafeBytes {
            output.writeDeliver(
                channel: 7, consumerTag: $0, deliveryTag: tag, redelivered: false, content: content, frameMax: frameMax)
        }
    }

    /// Deliveries with bodies of these sizes, as copies of each other where that is possible, are what they are written
    /// one by one: also empty ones, and those that one frame does not take.
    @Test(arguments: [0, 4096] as [UInt32], [[1], [16, 16, 16], [3, 900, 0, 5], [4088, 4089, 4088, 20_000, 1]])
    func aCopyIsWhatWouldBeWritten(frameMax: UInt32, sizes: [Int]) {
        var plain = OutboundBuffer()
        var copied = OutboundBuffer()
        defer {
            plain.deallocate()
            copied.deallocate()
        }
        var frames = DeliveryFrames()
        var copyCount = 0
        for (index, size) in sizes.enumerated() {
            let tag = UInt64(index + 1) << 40 + 1
            withContent(size) { content in
                writeWhole(content, tag: tag, frameMax: frameMax, to: &plain)
                if copied.repeatDelivery(&frames, deliveryTag: tag, body: content.body) {
                    copyCount += 1
                } else {
                    frames = DeliveryFrames(
                        at: copied.count, consumerTagByteCount: Self.consumerTag.count, content: content,
                        frameMax: frameMax)
                    writeWhole(content, tag: tag, frameMax: frameMax, to: &copied)
                }
            }
        }
        #expect(Array(copied.bytes) == Array(plain.bytes))
        let isOneFrame = sizes.map { $0 > 0 && (frameMax == 0 || $0 <= Int(frameMax) - 8) }
        #expect(copyCount == zip(isOneFrame, isOneFrame.dropFirst()).count { $0 && $1 })
    }
}
