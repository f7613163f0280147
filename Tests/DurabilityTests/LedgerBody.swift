/// A message of the ledger: who published it, and which of his messages it is.
struct LedgerMessage: Hashable, Sendable, CustomStringConvertible {
    /// A number that no other publisher of the round has, on any connection, before or after a restart.
    let publisher: Int
    /// From 0 on, without gaps.
    let number: Int

    var description: String { "message \(number) of publisher \(publisher)" }
}

/// The body of a ledger's message. Byte for byte what was published, or it is not taken for one.
///
///     0   seed       UInt64   of the round
///     8   publisher  UInt32
///     12  number     UInt32
///     16  checksum   UInt64   of all other bytes
///     24  filling, which differs from message to message
///
/// All little-endian.
enum LedgerBody {
    static let headerByteCount = 24

    static func make(_ message: LedgerMessage, seed: UInt64, fillingByteCount: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerByteCount + fillingByteCount)
        var filling = UInt64(message.publisher) << 32 | UInt64(message.number)
        bytes.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: seed.littleEndian, as: UInt64.self)
            bytes.storeBytes(of: UInt32(message.publisher).littleEndian, toByteOffset: 8, as: UInt32.self)
            bytes.storeBytes(of: UInt32(message.number).littleEndian, toByteOffset: 12, as: UInt32.self)
            for offset in stride(from: headerByteCount, to: bytes.count - 7, by: 8) {
                filling = filling &* 0x5851_F42D_4C95_7F2D &+ 0x1405_7B7E_F767_814F
                bytes.storeBytes(of: filling, toByteOffset: offset, as: UInt64.self)
            }
            let sum = checksum(UnsafeRawBufferPointer(bytes))
            bytes.storeBytes(of: sum.littleEndian, toByteOffset: 16, as: UInt64.self)
        }
        return bytes
    }

    /// The message that the body names, or what is wrong with the body.
    static func read(_ body: [UInt8], seed: UInt64) -> Result<LedgerMessage, LedgerViolation> {
        body.withUnsafeBytes { bytes in
            guard bytes.count >= headerByteCount else {
                return .failure(.init("a body has \(bytes.count) bytes, which nobody published"))
            }
            func word(_ offset: Int) -> UInt64 {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
            guard word(16) == checksum(bytes) else {
                return .failure(.init("a body of \(bytes.count) bytes is damaged: its checksum is wrong"))
            }
            guard word(0) == seed else { return .failure(.init("a message of another round appears")) }
            return .success(LedgerMessage(publisher: Int(word(8) & 0xFFFF_FFFF), number: Int(word(8) >> 32)))
        }
    }

    /// FNV-1a over words, leaving out the checksum's own place.
    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(bytes.count)
        var offset = 0
        while offset + 8 <= bytes.count {
            if offset != 16 {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                sum = (sum ^ word) &* 0x0000_0100_0000_01B3
                // Without this the upper bits of a word would not reach the lower ones of the sum.
                sum ^= sum >> 29
            }
            offset += 8
        }
        while offset < bytes.count {
            sum = (sum ^ UInt64(bytes[offset])) &* 0x0000_0100_0000_01B3
            offset += 1
        }
        return sum
    }
}

/// Something that a broker must not do.
struct LedgerViolation: Error, CustomStringConvertible, Sendable {
    let description: String

    init(_ description: String) { self.description = description }
}
