import AMQPWire
import Testing

@Suite struct FieldTableTests {
    /// Every type, with what stands for it behind the name: letter and payload.
    static let values: [(value: FieldValue, bytes: [UInt8])] = [
        (.bool(true), ascii("t") + [1]),
        (.bool(false), ascii("t") + [0]),
        (.int8(-2), ascii("b") + [0xFE]),
        (.uint8(254), ascii("B") + [0xFE]),
        (.int16(-2), ascii("s") + [0xFF, 0xFE]),
        (.uint16(0x0102), ascii("u") + [1, 2]),
        (.int32(-2), ascii("I") + [0xFF, 0xFF, 0xFF, 0xFE]),
        (.uint32(0x0102_0304), ascii("i") + [1, 2, 3, 4]),
        (.int64(-2), ascii("l") + [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE]),
        (.float(1.5), ascii("f") + [0x3F, 0xC0, 0, 0]),
        (.double(-2), ascii("d") + [0xC0, 0, 0, 0, 0, 0, 0, 0]),
        (.decimal(scale: 2, value: 314), ascii("D") + [2, 0, 0, 1, 0x3A]),
        (.longString([0x68, 0x69]), ascii("S") + [0, 0, 0, 2] + ascii("hi")),
        (.array([.bool(true), .int8(1)]), ascii("A") + [0, 0, 0, 4] + ascii("t") + [1] + ascii("b") + [1]),
        (.array([]), ascii("A") + [0, 0, 0, 0]),
        (.timestamp(0x5F5E_0FF0), ascii("T") + [0, 0, 0, 0, 0x5F, 0x5E, 0x0F, 0xF0]),
        (.table(["k": .void]), ascii("F") + [0, 0, 0, 3, 1] + ascii("k") + ascii("V")),
        (.table([:]), ascii("F") + [0, 0, 0, 0]),
        (.void, ascii("V")),
        (.bytes([0, 255]), ascii("x") + [0, 0, 0, 2, 0, 255]),
    ]

    private static func encoded(_ entry: [UInt8], name: [UInt8] = ascii("n")) -> [UInt8] {
        let entries = [UInt8(name.count)] + name + entry
        return written { $0.write(UInt32(entries.count)) } + entries
    }

    private func decode(_ bytes: [UInt8]) throws(WireError) -> FieldTable {
        try reading(bytes) { reader throws(WireError) in
            let table = try reader.readTable()
            try reader.expectEnd()
            return table
        }
    }

    @Test(arguments: values.indices)
    func valueIsWrittenWithItsLetter(index: Int) {
        let (value, bytes) = Self.values[index]
        #expect(written { $0.write(["n": value] as FieldTable) } == Self.encoded(bytes))
    }

    @Test(arguments: values.indices)
    func valueIsReadByItsLetter(index: Int) throws {
        let (value, bytes) = Self.values[index]
        #expect(try decode(Self.encoded(bytes)) == ["n": value])
    }

    @Test(arguments: values.indices)
    func truncatedValueIsRefused(index: Int) {
        let bytes = Self.values[index].bytes
        // The table's length agrees with the bytes that are left, so that the value alone is short.
        for length in bytes.indices {
            #expect(throws: WireError.truncated) { try decode(Self.encoded(Array(bytes[..<length]))) }
        }
        let table = Self.encoded(bytes)
        for length in table.indices {
            #expect(throws: WireError.truncated) { try decode(Array(table[..<length])) }
        }
    }

    @Test func bothLettersLAreSigned64Bit() throws {
        let bytes: [UInt8] = ascii("L") + [0x80, 0, 0, 0, 0, 0, 0, 0]
        #expect(try decode(Self.encoded(bytes)) == ["n": .int64(.min)])
    }

    @Test func anyOtherByteThanZeroIsTrue() throws {
        #expect(try decode(Self.encoded(ascii("t") + [2])) == ["n": .bool(true)])
    }

    @Test func otherLettersAreRefused() {
        let known = Set(ascii("tbBsuIilLfdDSATFVx"))
        for letter in UInt8.min...UInt8.max where !known.contains(letter) {
            let bytes = Self.encoded([letter] + [UInt8](repeating: 0, count: 8))
            #expect(throws: WireError.unknownFieldType(letter)) { try decode(bytes) }
        }
    }

    @Test func orderAndRepeatedNamesSurvive() throws {
        let table = FieldTable([
            .init(name: "b", value: .int8(1)), .init(name: "a", value: .int8(2)), .init(name: "b", value: .int8(3)),
        ])
        #expect(try decode(written { $0.write(table) }) == table)
        #expect(table["b"] == .int8(1))
    }

    @Test func nameOf255BytesSurvives() throws {
        let name = ShortString(bytes: [UInt8](repeating: 0xFF, count: 255))
        let table = FieldTable([.init(name: name, value: .void)])
        #expect(try decode(written { $0.write(table) }) == table)
    }

    // Depth 1 is the table itself.
    private static func tables(depth: Int) -> [UInt8] {
        var table: [UInt8] = [0, 0, 0, 0]
        for _ in 1..<depth { table = encoded(ascii("F") + table) }
        return table
    }

    private static func arrays(depth: Int) -> [UInt8] {
        var array: [UInt8] = [0, 0, 0, 0]
        for _ in 2..<depth { array = written { $0.write(UInt32(array.count + 1)) } + ascii("A") + array }
        return encoded(ascii("A") + array)
    }

    @Test func depthOf64IsAccepted() throws {
        for bytes in [Self.tables(depth: 64), Self.arrays(depth: 64)] {
            let table = try decode(bytes)
            #expect(written { $0.write(table) } == bytes)
        }
    }

    @Test func depthOf65IsRefused() {
        #expect(throws: WireError.nestedTooDeep) { try decode(Self.tables(depth: 65)) }
        #expect(throws: WireError.nestedTooDeep) { try decode(Self.arrays(depth: 65)) }
        #expect(throws: WireError.nestedTooDeep) { try decode(Self.tables(depth: 10_000)) }
    }

    @Test func bytesBehindTheTableAreRefused() {
        #expect(throws: WireError.trailingBytes) { try decode(Self.encoded(ascii("V")) + [0]) }
    }

    @Test func nestedLengthBeyondTheOuterOneIsRefused() {
        // The inner table claims the byte behind the outer one.
        let bytes: [UInt8] = [0, 0, 0, 7, 1] + ascii("n") + ascii("F") + [0, 0, 0, 1, 0]
        #expect(throws: WireError.truncated) { try decode(bytes) }
        #expect(throws: WireError.truncated) { try decode([0xFF, 0xFF, 0xFF, 0xFF, 0]) }
    }
}
