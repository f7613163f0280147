/// A growing ring of plain values on raw memory: first in, first out, with access by index.
///
/// Its owner calls `deallocate`. It is no Collection so that nothing generic is reached for by accident on the way of
/// a message.
struct RingBuffer<Element: BitwiseCopyable> {
    private var base: UnsafeMutablePointer<Element>?
    private var mask = -1
    private var head = 0
    private(set) var count = 0

    @inline(__always)
    var isEmpty: Bool { count == 0 }

    var capacity: Int { mask + 1 }

    @inline(__always)
    subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count)
            return base.unsafelyUnwrapped[(head &+ index) & mask]
        }
        set {
            precondition(index >= 0 && index < count)
            base.unsafelyUnwrapped[(head &+ index) & mask] = newValue
        }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count > mask { grow() }
        base.unsafelyUnwrapped[(head &+ count) & mask] = element
        count &+= 1
    }

    @inline(__always)
    mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = base.unsafelyUnwrapped[head]
        head = (head &+ 1) & mask
        count &-= 1
        return element
    }

    /// The first elements, as far as they lie in a row. Valid until the ring changes.
    var firstRow: UnsafeMutableBufferPointer<Element> {
        guard let base else { return UnsafeMutableBufferPointer(start: nil, count: 0) }
        return UnsafeMutableBufferPointer(start: base + head, count: min(count, mask + 1 - head))
    }

    mutating func removeFirst(_ count: Int) {
        precondition(count <= self.count)
        head = (head &+ count) & mask
        self.count &-= count
    }

    /// Keeps the elements that satisfy the condition, in their order.
    mutating func removeAll(where condition: (Element) -> Bool) {
        guard let base else { return }
        var kept = 0
        for index in 0..<count {
            let element = base[(head &+ index) & mask]
            if condition(element) { continue }
            base[(head &+ kept) & mask] = element
            kept += 1
        }
        count = kept
    }

    @inline(never)
    private mutating func grow() {
        let capacity = max(8, (mask + 1) * 2)
        let grown = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        if let base {
            for index in 0..<count { (grown + index).initialize(to: base[(head &+ index) & mask]) }
            base.deallocate()
        }
        base = grown
        head = 0
        mask = capacity - 1
    }

    /// Empties it and gives the memory back.
    mutating func deallocate() {
        base?.deallocate()
        self = RingBuffer()
    }
}
