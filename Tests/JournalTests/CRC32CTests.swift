import CRC32C
import Testing

@Suite struct CRC32CTests {
    @Test func theCheckValueIsRight() {
        let bytes = Array("123456789".utf8)
        #expect(crc32c(0, bytes, bytes.count) == 0xe306_9283)
        #expect(crc32c_portable(0, bytes, bytes.count) == 0xe306_9283)
    }

    @Test func theInstructionAndTheTableAgree() {
        let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 37 ^ $0 >> 5) }
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            for count in Array(0...1_200) + [6_143, 6_144, 6_145, 12_800, 19_990] {
                for start in 0..<(count < 600 ? 9 : 2) {
                    #expect(crc32c(7, base + start, count) == crc32c_portable(7, base + start, count))
                }
            }
        }
    }

    @Test func numbersAreTheirBytes() {
        let bytes: [UInt8] = [8, 7, 6, 5, 4, 3, 2, 1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]
        #expect(crc32c_number(3, 0x0102_0304_0506_0708) == crc32c(3, bytes, 8))
        let combined = crc32c_number_and_12_bytes(3, 0x0102_0304_0506_0708, Array(bytes.dropFirst(8)))
        #expect(combined == crc32c(3, bytes, 20))
    }
}
