// table  = length:UInt32 { name:shortstr value }
// value  = letter:UInt8 payload
// array  = length:UInt32 { value }
// Lengths are bounded by the frame they come in, depth by FieldTable.depthLimit.

extension FieldTable {
    /// Reads entries until the reader's end; the length has been read.
    package init(readingAll reader: inout WireReader, depth: Int) throws(WireError) {
        guard depth <= Self.depthLimit else { throw .nestedTooDeep }
        var entries: [Entry] = []
        while reader.remainingCount > 0 {
            let name = try reader.readShortString()
            entries.append(Entry(name: name, value: try FieldValue(from: &reader, depth: depth)))
        }
        self.entries = entries
    }

    func writeEntries(to buffer: inout OutboundBuffer) {
        for entry in entries {
            buffer.write(entry.name)
            entry.value.write(to: &buffer)
        }
    }
}

extension FieldValue {
    package init(from reader: inout WireReader, depth: Int) throws(WireError) {
        let letter = try reader.readUInt8()
        switch letter {
        case UInt8(ascii: "S"): self = .longString(try reader.readLongString())
        case UInt8(ascii: "t"): self = .bool(try reader.readUInt8() != 0)
        case UInt8(ascii: "b"): self = .int8(Int8(bitPattern: try reader.readUInt8()))
        case UInt8(ascii: "B"): self = .uint8(try reader.readUInt8())
        case UInt8(ascii: "s"): self = .int16(Int16(bitPattern: try reader.readUInt16()))
        case UInt8(ascii: "u"): self = .uint16(try reader.readUInt16())
        case UInt8(ascii: "I"): self = .int32(Int32(bitPattern: try reader.readUInt32()))
        case UInt8(ascii: "i"): self = .uint32(try reader.readUInt32())
        case UInt8(ascii: "l"), UInt8(ascii: "L"): self = .int64(Int64(bitPattern: try reader.readUInt64()))
        case UInt8(ascii: "f"): self = .float(Float(bitPattern: try reader.readUInt32()))
        case UInt8(ascii: "d"): self = .double(Double(bitPattern: try reader.readUInt64()))
        case UInt8(ascii: "D"):
            let scale = try reader.readUInt8()
            self = .decimal(scale: scale, value: try reader.readUInt32())
        case UInt8(ascii: "T"): self = .timestamp(try reader.readUInt64())
        case UInt8(ascii: "V"): self = .void
        case UInt8(ascii: "x"): self = .bytes(try reader.readLongString())
        case UInt8(ascii: "F"):
            var inner = WireReader(try reader.readLongStringView())
            self = .table(try FieldTable(readingAll: &inner, depth: depth + 1))
        case UInt8(ascii: "A"):
            var inner = WireReader(try reader.readLongStringView())
            guard depth + 1 <= FieldTable.depthLimit else { throw .nestedTooDeep }
            var values: [FieldValue] = []
            while inner.remainingCount > 0 { values.append(try FieldValue(from: &inner, depth: depth + 1)) }
            self = .array(values)
        default: throw .unknownFieldType(letter)
        }
    }

    func write(to buffer: inout OutboundBuffer) {
        switch self {
        case .longString(let bytes):
            buffer.write(UInt8(ascii: "S"))
            buffer.write(longString: bytes)
        case .bool(let value):
            buffer.write(UInt8(ascii: "t"))
            buffer.write(UInt8(value ? 1 : 0))
        case .int8(let value):
            buffer.write(UInt8(ascii: "b"))
            buffer.write(UInt8(bitPattern: value))
        case .uint8(let value):
            buffer.write(UInt8(ascii: "B"))
            buffer.write(value)
        case .int16(let value):
            buffer.write(UInt8(ascii: "s"))
            buffer.write(UInt16(bitPattern: value))
        case .uint16(let value):
            buffer.write(UInt8(ascii: "u"))
            buffer.write(value)
        case .int32(let value):
            buffer.write(UInt8(ascii: "I"))
            buffer.write(UInt32(bitPattern: value))
        case .uint32(let value):
            buffer.write(UInt8(ascii: "i"))
            buffer.write(value)
        case .int64(let value):
            buffer.write(UInt8(ascii: "l"))
            buffer.write(UInt64(bitPattern: value))
        case .float(let value):
            buffer.write(UInt8(ascii: "f"))
            buffer.write(value.bitPattern)
        case .double(let value):
            buffer.write(UInt8(ascii: "d"))
            buffer.write(value.bitPattern)
        case .decimal(let scale, let value):
            buffer.write(UInt8(ascii: "D"))
            buffer.write(scale)
            buffer.write(value)
        case .timestamp(let value):
            buffer.write(UInt8(ascii: "T"))
            buffer.write(value)
        case .void:
            buffer.write(UInt8(ascii: "V"))
        case .bytes(let bytes):
            buffer.write(UInt8(ascii: "x"))
            buffer.write(longString: bytes)
        case .table(let table):
            buffer.write(UInt8(ascii: "F"))
            buffer.write(table)
        case .array(let values):
            buffer.write(UInt8(ascii: "A"))
            let start = buffer.beginLength()
            for value in values { value.write(to: &buffer) }
            buffer.endLength(start)
        }
    }
}
