import AMQPWire
import Testing

@testable import Broker

struct MessageSummaryTests {
    /// The block of a message, as a shard stores it.
    private func block(exchange: String, routingKey: String, properties: [UInt8], body: [UInt8]) -> [UInt8] {
        var addressing: [UInt8] = []
        for name in [exchange, routingKey] { addressing += [UInt8(name.utf8.count)] + Array(name.utf8) }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Message.headByteCount, alignment: 8)
        defer { memory.deallocate() }
        _ = memory.baseAddress.map {
            Message.initialise(
                $0, shard: 3, isPersistent: true, story: MessageStory(publishedMilliseconds: 1_700_000_000_000),
                addressingByteCount: addressing.count,
                propertiesByteCount: properties.count, bodyByteCount: body.count)
        }
        return [UInt8](memory) + addressing + properties + body
    }

    private func read(_ block: [UInt8]) -> MessageSummary? { block.withUnsafeBytes { MessageSummary($0) } }

    @Test(arguments: [("", "q"), ("amq.topic", "a.b"), ("x", ""), ("", "")])
    func aBlockIsSummedUp(exchange: String, routingKey: String) throws {
        let block = block(exchange: exchange, routingKey: routingKey, properties: [0, 0], body: [1, 2, 3])
        let summary = try #require(read(block))
        #expect(summary.exchange == Array(exchange.utf8))
        #expect(summary.routingKey == Array(routingKey.utf8))
        #expect(summary.isPersistent)
        #expect(summary.propertiesByteCount == 2)
        #expect(summary.bodyByteCount == 3)
    }

    @Test func everyShorterOrLongerBlockIsNone() {
        let block = block(exchange: "x", routingKey: "key", properties: [0, 0], body: [1, 2, 3])
        for count in 0..<block.count { #expect(read(Array(block[..<count])) == nil) }
        #expect(read(block + [0]) == nil)
    }

    /// Nothing that a byte may say traps; what sizes say is checked against each other.
    @Test func noByteIsBelieved() {
        let block = block(exchange: "x", routingKey: "key", properties: [0, 0], body: [1, 2, 3])
        let sizes = Set(6...15).union([32, 34])
        for index in block.indices {
            for value in [0, 1, 2, 127, 128, 255] as [UInt8] where block[index] != value {
                var damaged = block
                damaged[index] = value
                let isBelieved = read(damaged) != nil
                #expect(isBelieved == !sizes.contains(index), "byte \(index) = \(value)")
            }
        }
    }
}
