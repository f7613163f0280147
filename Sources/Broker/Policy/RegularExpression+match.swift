// Matching: by backtracking, with a bound.
extension RegularExpression {
    /// PCRE has such a bound too; RabbitMQ takes what runs into it for no match.
    private static let stepLimit = 100_000
    /// Frames on the stack.
    private static let depthLimit = 3_000

    /// Whether it matches somewhere in the text.
    func matches(_ text: [UInt8]) -> Bool {
        text.withUnsafeBufferPointer { text in
            var matcher = Matcher(text: text)
            for start in 0...text.count {
                if matcher.match(root, start, { _, _ in true }) { return true }
                if matcher.stepCount > Self.stepLimit { return false }
            }
            return false
        }
    }

    private struct Matcher {
        typealias Next = (_ matcher: inout Matcher, _ position: Int) -> Bool

        let text: UnsafeBufferPointer<UInt8>
        var stepCount = 0
        var depth = 0

        init(text: UnsafeBufferPointer<UInt8>) { self.text = text }

        /// Whether the node matches from here, and what comes behind it too.
        mutating func match(_ node: Node, _ position: Int, _ next: Next) -> Bool {
            stepCount += 1
            depth += 1
            defer { depth -= 1 }
            guard stepCount <= RegularExpression.stepLimit, depth <= RegularExpression.depthLimit else {
                // Everything that is still to be tried fails at once.
                stepCount = RegularExpression.stepLimit + 1
                return false
            }
            switch node {
            case .set(let set):
                return position < text.count && set.contains(text[position]) && next(&self, position + 1)
            case .sequence(let nodes): return matchAll(nodes[...], position, next)
            case .choice(let nodes):
                for node in nodes where match(node, position, next) { return true }
                return false
            case .repetition(let node, let minimum, let maximum, let isGreedy):
                let range = (minimum: minimum, maximum: maximum)
                return matchRepeated(node, range, isGreedy, position, next)
            case .atomic(let node):
                guard let end = firstEnd(of: node, position) else { return false }
                return next(&self, end)
            case .lookAhead(let node, let isNegative):
                guard (firstEnd(of: node, position) == nil) == isNegative else { return false }
                // Running out of steps is no proof that it does not match.
                return stepCount <= RegularExpression.stepLimit && next(&self, position)
            default: return isAt(node, position) && next(&self, position)
            }
        }

        private mutating func matchAll(_ nodes: ArraySlice<Node>, _ position: Int, _ next: Next) -> Bool {
            guard let first = nodes.first else { return next(&self, position) }
            return match(first, position) { $0.matchAll(nodes.dropFirst(), $1, next) }
        }

        private mutating func matchRepeated(
            _ node: Node, _ range: (minimum: Int, maximum: Int), _ isGreedy: Bool, _ position: Int, _ next: Next
        ) -> Bool {
            stepCount += 1
            depth += 1
            defer { depth -= 1 }
            guard depth <= RegularExpression.depthLimit else {
                stepCount = RegularExpression.stepLimit + 1
                return false
            }
            func more(_ matcher: inout Matcher) -> Bool {
                guard range.maximum > 0 else { return false }
                return matcher.match(node, position) { matcher, end in
                    // What matches nothing matches nothing as often as is wanted.
                    if end == position { return range.minimum > 0 && next(&matcher, end) }
                    let rest = (minimum: max(0, range.minimum - 1), maximum: range.maximum - 1)
                    return matcher.matchRepeated(node, rest, isGreedy, end, next)
                }
            }
            if range.minimum > 0 { return more(&self) }
            return isGreedy ? more(&self) || next(&self, position) : next(&self, position) || more(&self)
        }

        private mutating func firstEnd(of node: Node, _ position: Int) -> Int? {
            var found: Int?
            return match(
                node, position,
                { _, end in
                    found = end
                    return true
                }) ? found : nil
        }

        private func isAt(_ node: Node, _ position: Int) -> Bool {
            switch node {
            case .start(let isLine): return position == 0 || isLine && text[position - 1] == 10
            case .end(let isLine):
                return position == text.count || text[position] == 10 && (isLine || position == text.count - 1)
            case .veryEnd: return position == text.count
            case .wordBoundary(let isOne):
                let before = position > 0 && ByteSet.words.contains(text[position - 1])
                let behind = position < text.count && ByteSet.words.contains(text[position])
                return (before != behind) == isOne
            default: return false
            }
        }
    }
}
