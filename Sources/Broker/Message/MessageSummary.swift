/// What a message's block says of itself, for people who look into a journal. The block may be anything: nothing in it
/// is believed before it is checked.
package struct MessageSummary: Equatable, Sendable {
    package let exchange: [UInt8]
    package let routingKey: [UInt8]
    package let isPersistent: Bool
    package let propertiesByteCount: Int
    package let bodyByteCount: Int

    /// - Parameter block: head and parts, as `Message` describes them; of any alignment.
    /// - Returns: nil when the block is no message.
    package init?(_ block: UnsafeRawBufferPointer) {
        guard block.count >= Message.headByteCount else { return nil }
        let addressingByteCount = Int(block.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
        propertiesByteCount = Int(block.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        bodyByteCount = Int(block.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        isPersistent = block[5] & 1 != 0
        guard
            Message.headByteCount + addressingByteCount + propertiesByteCount + bodyByteCount == block.count,
            addressingByteCount >= 2
        else { return nil }
        let addressing = block[Message.headByteCount..<Message.headByteCount + addressingByteCount]
        let exchangeByteCount = Int(addressing[addressing.startIndex])
        guard 2 + exchangeByteCount <= addressingByteCount else { return nil }
        let keyIndex = addressing.startIndex + 1 + exchangeByteCount
        guard 2 + exchangeByteCount + Int(addressing[keyIndex]) == addressingByteCount else { return nil }
        exchange = [UInt8](addressing[addressing.startIndex + 1..<keyIndex])
        routingKey = [UInt8](addressing[(keyIndex + 1)...])
    }
}
