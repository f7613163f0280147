/// What a binding of a headers exchange asks of one header: that it is there, or that it has a value.
struct HeaderCondition: BitwiseCopyable {
    /// The message that last met it.
    var mark: UInt64 = 0
    /// The header's number in the table of names.
    var name: UInt32
    var kind: HeaderValueKind
    var hash: UInt32 = 0
    /// A number, or the address of `byteCount` bytes.
    var bits: UInt64 = 0
    var byteCount = 0
    /// How many bindings have it.
    var useCount: UInt32 = 0
    var anyBindings = TargetList()
    var allBindings = TargetList()

    init(name: UInt32) {
        self.name = name
        kind = .presence
    }

    init(name: UInt32, value: ComparableValue, hash: UInt32) {
        self.name = name
        self.hash = hash
        kind = value.kind
        bits = value.bits
        byteCount = value.byteCount
        if byteCount > 0 {
            let copy = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 8)
            copy.copyMemory(from: value.bytes, byteCount: byteCount)
            bits = UInt64(UInt(bitPattern: copy))
        }
    }

    @inline(__always)
    func isMet(by value: ComparableValue, of name: UInt32) -> Bool {
        guard self.name == name, kind == value.kind, byteCount == value.byteCount else { return false }
        if byteCount == 0 { return bits == value.bits }
        guard let bytes = UnsafeRawPointer(bitPattern: UInt(truncatingIfNeeded: bits)) else { return false }
        return equalBytes(bytes, value.bytes, byteCount)
    }

    mutating func deallocate() {
        if byteCount > 0 { UnsafeMutableRawPointer(bitPattern: UInt(truncatingIfNeeded: bits))?.deallocate() }
        anyBindings.deallocate()
        allBindings.deallocate()
    }
}
