/// Something of which the earliest is wanted first.
protocol HeapElement: BitwiseCopyable {
    func precedes(_ other: Self) -> Bool
}

/// A binary heap: the first element precedes all others.
struct BinaryHeap<Element: HeapElement> {
    private(set) var elements: [Element] = []

    @inline(__always)
    var isEmpty: Bool { elements.isEmpty }
    var count: Int { elements.count }
    @inline(__always)
    var first: Element? { elements.first }

    mutating func insert(_ element: Element) {
        elements.append(element)
        var child = elements.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard elements[child].precedes(elements[parent]) else { break }
            elements.swapAt(child, parent)
            child = parent
        }
    }

    /// Gives its memory back when it has become empty.
    mutating func popFirst() -> Element? {
        guard let first = elements.first else { return nil }
        let last = elements.removeLast()
        guard !elements.isEmpty else {
            elements = []
            return first
        }
        elements[0] = last
        var parent = 0
        while true {
            var earliest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < elements.count {
                if elements[child].precedes(elements[earliest]) { earliest = child }
            }
            guard earliest != parent else { return first }
            elements.swapAt(parent, earliest)
            parent = earliest
        }
    }

    /// Takes out, in their order, all that satisfy the condition.
    @discardableResult
    mutating func removeAll(where condition: (Element) -> Bool) -> [Element] {
        // In order, elements are a heap.
        let sorted = elements.sorted { $0.precedes($1) }
        elements = []
        var removed: [Element] = []
        for element in sorted {
            if condition(element) { removed.append(element) } else { elements.append(element) }
        }
        return removed
    }
}
