import AMQPWire

/// Erlang's `phash2` of an argument table in the form in which RabbitMQ keeps one: a list of {key, type, value}, sorted
/// by key. RabbitMQ names bindings by it, and what was named there before shall find its binding here.
///
/// The hash is Jenkins' `lookup2`, begun with multiples of the golden ratio that tell the kinds of terms apart; the
/// last bits of it were verified against Erlang's.
struct ErlangTermHash {
    private(set) var value: UInt32 = 0

    init(_ table: FieldTable) {
        let sorted = table.entries.enumerated().sorted {
            ($0.element.name, $0.offset) < ($1.element.name, $1.offset)
        }
        add(sorted.map(\.element))
    }

    // MARK: Terms

    private mutating func add(_ entries: [FieldTable.Entry]) {
        for entry in entries {
            addTuple(count: 3)
            add(entry.name.bytes)
            addAtom(entry.value.typeName)
            add(entry.value)
        }
        addEmptyList()
    }

    private mutating func add(_ value: FieldValue) {
        switch value {
        case .bool(let value): addAtom(value ? "true" : "false")
        case .float(let value): add(Double(value))
        case .double(let value): add(value)
        case .decimal(let scale, let value):
            addTuple(count: 2)
            add(magnitude: UInt64(scale), isNegative: false)
            add(magnitude: UInt64(value), isNegative: false)
        case .longString(let bytes), .bytes(let bytes): add(bytes)
        case .array(let values):
            for value in values {
                addTuple(count: 2)
                addAtom(value.typeName)
                add(value)
            }
            addEmptyList()
        case .timestamp(let seconds): add(magnitude: seconds, isNegative: false)
        case .table(let table): add(table.entries)
        case .void: addAtom("undefined")
        case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64:
            let integer = value.integer ?? 0
            add(magnitude: integer.magnitude, isNegative: integer < 0)
        }
    }

    private mutating func addTuple(count: UInt32) { mix(count, 0, kind: 9) }

    private mutating func addEmptyList() {
        if value == 0 { value = 3_468_870_702 } else { mix(2, 0, kind: 2) }
    }

    private mutating func addAtom(_ name: String) {
        var hash: UInt32 = 0
        for byte in name.utf8 {
            hash = hash << 4 &+ UInt32(byte)
            let high = hash & 0xF000_0000
            if high != 0 { hash ^= high >> 24 ^ high }
        }
        if value == 0 { value = hash } else { mix(hash, 0, kind: 3) }
    }

    /// Integers of up to 28 bits are hashed as words, others by their 64 bits.
    private mutating func add(magnitude: UInt64, isNegative: Bool) {
        if magnitude < 1 << 27 || isNegative && magnitude == 1 << 27 {
            let word = UInt32(magnitude)
            // What is below zero is mixed twice.
            if isNegative { mix(word, 0, kind: 1) }
            return mix(isNegative ? 0 &- word : word, 0, kind: 1)
        }
        mix(UInt32(truncatingIfNeeded: magnitude), UInt32(magnitude >> 32), kind: isNegative ? 10 : 11)
    }

    private mutating func add(_ number: Double) {
        let bits = number == 0 ? 0 : number.bitPattern
        mix(UInt32(bits >> 32), UInt32(truncatingIfNeeded: bits), kind: 12)
    }

    private mutating func add(_ bytes: [UInt8]) {
        let start = Self.golden &* 13 &+ value
        guard !bytes.isEmpty else { return value = start }
        var (a, b, c) = (Self.golden, Self.golden, start)
        var rest = bytes[...]
        func word(_ offset: Int, byteCount: Int = 4) -> UInt32 {
            var word: UInt32 = 0
            for place in 0..<byteCount where offset + place < rest.count {
                word |= UInt32(rest[rest.startIndex + offset + place]) << UInt32(8 * place)
            }
            return word
        }
        while rest.count >= 12 {
            a &+= word(0)
            b &+= word(4)
            c &+= word(8)
            Self.mix(&a, &b, &c)
            rest = rest.dropFirst(12)
        }
        // The lowest byte of the last word is the length's.
        a &+= word(0)
        b &+= word(4)
        c &+= UInt32(truncatingIfNeeded: bytes.count) &+ word(8, byteCount: 3) << 8
        Self.mix(&a, &b, &c)
        value = c
    }

    // MARK: Mixing

    private static let golden: UInt32 = 0x9E37_79B9

    private mutating func mix(_ first: UInt32, _ second: UInt32, kind: UInt32) {
        var a = Self.golden &* kind &+ first
        var b = Self.golden &* kind &+ second
        Self.mix(&a, &b, &value)
    }

    private static func mix(_ a: inout UInt32, _ b: inout UInt32, _ c: inout UInt32) {
        for (first, second, third) in [(13, 8, 13), (12, 16, 5), (3, 10, 15)] as [(UInt32, UInt32, UInt32)] {
            a = (a &- b &- c) ^ (c >> first)
            b = (b &- c &- a) ^ (a << second)
            c = (c &- a &- b) ^ (b >> third)
        }
    }
}
