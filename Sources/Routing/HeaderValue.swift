import AMQPWire

/// What a header's value is equal to, whatever its letter on the wire: RabbitMQ compares the Erlang terms.
///
/// - All integer types are one, and so are `f` and `d`, `S` and `x`. An integer never equals a float.
/// - A message's timestamp counts in milliseconds there (RabbitMQ 4 multiplies it for routing), a binding's as it is.
/// - Tables and arrays are equal item by item, letters included; an empty table equals an empty array.
/// - Void is never equal to anything: in a binding it asks for presence alone.
enum HeaderValueKind: UInt8, BitwiseCopyable {
    /// Stands in a condition for "whatever the value".
    case presence
    case integer
    /// Above `Int64.max`.
    case largeInteger
    case bool
    case float
    case decimal
    case bytes
    case table
    case array
    case emptyList
}

/// A value of a field table as it lies on the wire, borrowed.
struct WireValue: BitwiseCopyable {
    var letter: UInt8
    /// What follows the letter; without the length in front of strings, tables and arrays.
    var payload: UnsafeRawPointer
    var count: Int

    static var void: WireValue {
        WireValue(letter: UInt8(ascii: "V"), payload: UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped, count: 0)
    }

    private init(letter: UInt8, payload: UnsafeRawPointer, count: Int) {
        self.letter = letter
        self.payload = payload
        self.count = count
    }

    /// Reads letter and payload at `position` and moves behind them; nil when they do not fit before `end` or the
    /// letter is none of RabbitMQ's.
    @inline(__always)
    init?(_ position: inout UnsafeRawPointer, end: UnsafeRawPointer) {
        guard position < end else { return nil }
        letter = position.load(as: UInt8.self)
        payload = position + 1
        switch letter {
        case UInt8(ascii: "S"), UInt8(ascii: "F"), UInt8(ascii: "A"), UInt8(ascii: "x"):
            guard end - payload >= 4 else { return nil }
            count = Int(UInt32(bigEndian: payload.loadUnaligned(as: UInt32.self)))
            payload += 4
        case UInt8(ascii: "t"), UInt8(ascii: "b"), UInt8(ascii: "B"): count = 1
        case UInt8(ascii: "s"), UInt8(ascii: "u"): count = 2
        case UInt8(ascii: "I"), UInt8(ascii: "i"), UInt8(ascii: "f"): count = 4
        case UInt8(ascii: "D"): count = 5
        case UInt8(ascii: "l"), UInt8(ascii: "L"), UInt8(ascii: "d"), UInt8(ascii: "T"): count = 8
        case UInt8(ascii: "V"): count = 0
        default: return nil
        }
        guard end - payload >= count else { return nil }
        position = payload + count
    }

    /// The value of that name among a table's entries: of several the last, as RabbitMQ routes.
    static func last(named name: ShortString, in headers: UnsafeRawBufferPointer) -> WireValue? {
        var found: WireValue?
        var position = headers.start
        let end = position + headers.count
        while position < end {
            let key = UnsafeRawBufferPointer(start: position + 1, count: Int(load8(position)))
            guard end - position > key.count else { break }
            position += 1 + key.count
            guard let value = WireValue(&position, end: end) else { break }
            if key.elementsEqual(name.bytes) { found = value }
        }
        return found
    }

    /// The kind and number of a value that is not made of bytes; nil for those, for void, and for a timestamp too large
    /// to be equal to anything.
    ///
    /// - Parameter timestampFactor: what a unit of a timestamp counts for: 1000 in a message, 1 in a binding.
    @inline(__always)
    func scalar(timestampFactor: UInt64) -> (kind: HeaderValueKind, bits: UInt64)? {
        switch letter {
        case UInt8(ascii: "t"): (.bool, load8(payload) == 0 ? 0 : 1)
        case UInt8(ascii: "b"): (.integer, extended(payload.load(as: Int8.self)))
        case UInt8(ascii: "B"): (.integer, load8(payload))
        case UInt8(ascii: "s"): (.integer, extended(Int16(bigEndian: payload.loadUnaligned(as: Int16.self))))
        case UInt8(ascii: "u"): (.integer, UInt64(UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self))))
        case UInt8(ascii: "I"): (.integer, extended(Int32(bigEndian: payload.loadUnaligned(as: Int32.self))))
        case UInt8(ascii: "i"): (.integer, UInt64(UInt32(bigEndian: payload.loadUnaligned(as: UInt32.self))))
        case UInt8(ascii: "l"), UInt8(ascii: "L"): (.integer, UInt64(bigEndian: load64(payload)))
        case UInt8(ascii: "f"):
            (.float, Double(Float(bitPattern: UInt32(bigEndian: payload.loadUnaligned(as: UInt32.self)))).bitPattern)
        case UInt8(ascii: "d"): (.float, UInt64(bigEndian: load64(payload)))
        case UInt8(ascii: "D"):
            (.decimal, load8(payload) << 32 | UInt64(UInt32(bigEndian: (payload + 1).loadUnaligned(as: UInt32.self))))
        case UInt8(ascii: "T"): timestamp(factor: timestampFactor)
        default: nil
        }
    }

    private func timestamp(factor: UInt64) -> (kind: HeaderValueKind, bits: UInt64)? {
        let product = UInt64(bigEndian: load64(payload)).multipliedReportingOverflow(by: factor)
        if product.overflow { return nil }
        return (product.partialValue > UInt64(Int64.max) ? .largeInteger : .integer, product.partialValue)
    }
}

@inline(__always)
private func extended<Integer: SignedInteger & FixedWidthInteger>(_ value: Integer) -> UInt64 {
    UInt64(bitPattern: Int64(value))
}

/// Gives a table's or array's bytes the one form that equal ones share: `L` is written `l`, true is 1.
enum NestedValue {
    /// Returns false when the bytes are not what they should be, or nest too deep.
    static func normalise(_ bytes: UnsafeMutableRawBufferPointer, isTable: Bool, depth: Int = 2) -> Bool {
        guard depth <= FieldTable.depthLimit else { return false }
        guard let base = bytes.baseAddress else { return true }
        var position = UnsafeRawPointer(base)
        let end = position + bytes.count
        while position < end {
            if isTable {
                position += 1 + Int(position.load(as: UInt8.self))
                guard position < end else { return false }
            }
            let letter = UnsafeMutableRawPointer(mutating: position)
            guard let value = WireValue(&position, end: end) else { return false }
            let payload = UnsafeMutableRawPointer(mutating: value.payload)
            switch value.letter {
            case UInt8(ascii: "L"): letter.storeBytes(of: UInt8(ascii: "l"), as: UInt8.self)
            case UInt8(ascii: "t"): payload.storeBytes(of: load8(payload) == 0 ? 0 : 1, as: UInt8.self)
            case UInt8(ascii: "F"), UInt8(ascii: "A"):
                let inner = UnsafeMutableRawBufferPointer(start: payload, count: value.count)
                guard normalise(inner, isTable: value.letter == UInt8(ascii: "F"), depth: depth + 1) else {
                    return false
                }
            default: break
            }
        }
        return true
    }
}
