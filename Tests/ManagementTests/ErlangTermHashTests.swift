import AMQPWire
import Testing

@testable import Management

/// Hashes that Erlang's `phash2` gave for the same tables.
@Suite struct ErlangTermHashTests {
    private static let hashes: [(FieldTable, UInt32)] = [
        (["x-match": .string("all")], 0xDEE8_C67E),
        (["a": .int64(1)], 0x0236_ADFD),
        (["a": .int32(-1)], 0x3F07_2A6A),
        (["a": .int64(134_217_727)], 0xAC42_AC3D),
        (["a": .int64(134_217_728)], 0x6FFC_361D),
        (["a": .int64(-134_217_728)], 0xA9CC_0BBE),
        (["a": .int64(-134_217_729)], 0x55F1_EE2C),
        (["a": .int64(9_007_199_254_740_993)], 0x449A_2613),
        (["a": .int64(-9_007_199_254_740_993)], 0x0EAA_56E0),
        (["a": .int64(.max)], 0xBD33_8D04),
        (["a": .int64(.min)], 0xD4B7_302C),
        (["a": .bool(true)], 0x6B69_4929),
        (["a": .bool(false)], 0x8D5A_3418),
        (["a": .void], 0x39F2_6168),
        (["a": .double(1.5)], 0xCA8E_0D02),
        (["a": .double(0)], 0x7224_0F59),
        (["a": .double(-0.0)], 0x7224_0F59),
        (["a": .double(-2.25e300)], 0x4FFC_ABF1),
        (["a": .table(["b": .string("twelve bytes"), "c": .int64(2)])], 0xFF8B_BD4B),
        (["a": .table([:])], 0x241C_F725),
        (["a": .array([.string("x"), .int64(3), .array([]), .table([:])])], 0xED4A_B37D),
        (["a": .array([])], 0x8E4C_6D69),
        (["": .longString([])], 0xDC56_3A9D),
        (
            [
                "a": .longString(
                    [0xE4, 0xF6, 0xFC] + Array(" und mehr als zw".utf8) + [0xF6] + Array("lf Bytes, sicher".utf8))
            ],
            0xC547_C28D
        ),
        (["a": .bytes([0, 255, 1])], 0xE495_6C20),
        (["a": .timestamp(1_700_000_000)], 0xBADD_DCB6),
        (["a": .decimal(scale: 2, value: 314)], 0x7837_E154),
    ]

    @Test func tablesHaveTheHashesThatErlangGivesThem() {
        for (table, hash) in Self.hashes { #expect(ErlangTermHash(table).value == hash, "\(table)") }
    }

    @Test func theOrderOfArgumentsDoesNotMatter() {
        let sorted: FieldTable = ["a": .string("1"), "b": .string("2"), "c": .bool(true)]
        let unsorted: FieldTable = ["c": .bool(true), "a": .string("1"), "b": .string("2")]
        #expect(ErlangTermHash(sorted).value == 0xE577_0514)
        #expect(ErlangTermHash(unsorted).value == 0xE577_0514)
    }
}
