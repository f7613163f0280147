/// The bindings of a headers exchange, indexed by the conditions they are made of.
///
/// A condition is "this header is there" or "this header has this value"; bindings share it. A message first marks the
/// conditions that its headers meet, which costs two look-ups a header. Then only bindings that hang on a met condition
/// are looked at: `any` bindings hang on each of theirs and match at once; `all` bindings hang on the one that fewest
/// others hang on, and match when the rest of theirs are marked too.
struct HeadersTable {
    /// A header that some condition is about.
    struct Name: BitwiseCopyable {
        /// The message that last had it, and its value there.
        var mark: UInt64 = 0
        var value = WireValue.void
        /// The condition that it is there, or `noIndex`.
        var presence = noIndex
        var valueConditionCount: UInt32 = 0
    }

    /// A condition of a binding.
    struct Part: BitwiseCopyable {
        var condition: UInt32
        var binding: UInt32
        /// The binding's next part, or `noIndex`.
        var next: UInt32
        /// The position in the condition's list, or `noIndex` when it does not hang there.
        var position = noIndex
    }

    struct Record: BitwiseCopyable {
        var target: Target
        var isAny: Bool
        var firstPart = noIndex
        /// The position among those that match every message, or `noIndex`.
        var position = noIndex
    }

    var names = ByteTable<Name>()
    var conditions = RecordPool<HeaderCondition>()
    /// Finds conditions about values.
    var conditionIndex = HashSlots()
    var parts = RecordPool<Part>()
    var bindings = RecordPool<Record>()
    /// `all` bindings without a condition: they match every message.
    var unconditional = TargetList()

    /// Counts messages and bindings, to tell this one's marks from old ones.
    var stamp: UInt64 = 0
    /// The names that the message has: room for all there are.
    var touched = UnsafeMutablePointer<UInt32>.allocate(capacity: 4)
    private var touchedCapacity = 4
    /// The conditions that the message meets: room for all there are.
    var met = UnsafeMutablePointer<UInt32>.allocate(capacity: 4)
    private var metCapacity = 4
    /// Where a table or array is brought to its normal form. It grows to the largest seen, which a frame bounds.
    var scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)

    /// - Precondition: every binding is removed.
    mutating func deallocate() {
        names.deallocate()
        conditions.deallocate()
        conditionIndex.deallocate()
        parts.deallocate()
        bindings.deallocate()
        unconditional.deallocate()
        touched.deallocate()
        met.deallocate()
        scratch.deallocate()
    }

    mutating func makeRoom() {
        if names.entries.capacity > touchedCapacity {
            touched.deallocate()
            touchedCapacity = names.entries.capacity
            touched = .allocate(capacity: touchedCapacity)
        }
        if conditions.capacity > metCapacity {
            met.deallocate()
            metCapacity = conditions.capacity
            met = .allocate(capacity: metCapacity)
        }
    }

    // MARK: - What bindings and messages both need

    /// What the value is compared by, borrowed until the next call; nil when a table or array is malformed.
    @inline(__always)
    mutating func comparable(_ value: WireValue, timestampFactor: UInt64) -> ComparableValue? {
        switch value.letter {
        case UInt8(ascii: "S"), UInt8(ascii: "x"):
            return ComparableValue(kind: .bytes, bytes: value.payload, byteCount: value.count)
        case UInt8(ascii: "F"), UInt8(ascii: "A"):
            return comparable(list: value)
        default:
            guard let scalar = value.scalar(timestampFactor: timestampFactor) else {
                return ComparableValue(kind: .presence)
            }
            return ComparableValue(kind: scalar.kind, bits: scalar.bits)
        }
    }

    @inline(never)
    private mutating func comparable(list: WireValue) -> ComparableValue? {
        if list.count == 0 { return ComparableValue(kind: .emptyList) }
        if list.count > scratch.count {
            scratch.deallocate()
            scratch = .allocate(byteCount: list.count, alignment: 8)
        }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: scratch[0..<list.count])
        bytes.copyMemory(from: UnsafeRawBufferPointer(start: list.payload, count: list.count))
        let isTable = list.letter == UInt8(ascii: "F")
        guard NestedValue.normalise(bytes, isTable: isTable) else { return nil }
        let kind = isTable ? HeaderValueKind.table : .array
        return ComparableValue(kind: kind, bytes: UnsafeRawBufferPointer(bytes).start, byteCount: bytes.count)
    }

    @inline(__always)
    func find(_ value: ComparableValue, of name: UInt32, _ hash: UInt32) -> UInt32 {
        let conditions = conditions
        return conditionIndex.find(hash) { conditions[$0].pointee.isMet(by: value, of: name) }
    }
}

/// A value in the form in which equal ones are equal: a number, or bytes that lie elsewhere.
struct ComparableValue {
    /// `presence` when it is equal to nothing: void, or a timestamp that is too large.
    var kind: HeaderValueKind
    var bits: UInt64 = 0
    var bytes = UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped
    var byteCount = 0

    @inline(__always)
    func hash(of name: UInt32, _ hasher: ByteHash) -> UInt32 {
        let context = hasher.hash(UInt64(name) << 8 | UInt64(kind.rawValue), bits)
        if byteCount == 0 { return UInt32(truncatingIfNeeded: context) }
        return UInt32(truncatingIfNeeded: hasher.hash(bytes, byteCount, context: context))
    }
}
