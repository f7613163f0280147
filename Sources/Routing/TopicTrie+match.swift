extension TopicTrie {
    /// Visits the targets of every pattern that matches the routing key, each node at most once.
    mutating func route(_ key: UnsafeRawBufferPointer, _ hasher: ByteHash, _ walk: inout RouteWalk) {
        matchCount += 1
        var match = TopicMatch(self, hasher)
        match.route(key, &walk)
    }
}

/// One pass over the words of a routing key with the set of nodes that the words so far lead to.
///
/// It is the simulation of a nondeterministic automaton: no backtracking, so the work is at most words times nodes,
/// whatever the patterns. A node below `#` that was reached once stays reached, since `#` takes any number of words:
/// its targets are visited at once, and it is kept aside in `persistent` for the words that may follow. Every other
/// node has one parent and one way in, so that the sets need no check for duplicates.
private struct TopicMatch {
    private let trie: TopicTrie
    private let hasher: ByteHash
    private var current: UnsafeMutablePointer<UInt32>
    private var next: UnsafeMutablePointer<UInt32>
    private let persistent: UnsafeMutablePointer<UInt32>
    private var nextCount = 0
    private var persistentCount = 0

    // The word at hand; its hash is taken when a node asks for it.
    private var word: UnsafeRawPointer
    private var wordCount = 0
    private var wordHash: UInt64 = 0
    private var isHashed = false
    private var isLast = false

    @inline(__always)
    init(_ trie: TopicTrie, _ hasher: ByteHash) {
        self.trie = trie
        self.hasher = hasher
        current = trie.scratch
        next = trie.scratch + trie.scratchCapacity
        persistent = trie.scratch + 2 * trie.scratchCapacity
        word = UnsafeRawPointer(trie.scratch)
    }

    @inline(__always)
    mutating func route(_ key: UnsafeRawBufferPointer, _ walk: inout RouteWalk) {
        let root = trie.nodes[TopicTrie.root]
        if root.pointee.hash != noIndex { reach(hash: root.pointee.hash, &walk) }
        if key.isEmpty {
            walk.visit(root.pointee.targets)
            return
        }
        current[0] = TopicTrie.root
        var currentCount = 1
        let bytes = key.start
        var start = 0
        while true {
            var end = start
            while end < key.count, bytes.load(fromByteOffset: end, as: UInt8.self) != UInt8(ascii: ".") { end += 1 }
            word = bytes + start
            wordCount = end - start
            isHashed = false
            isLast = end == key.count

            nextCount = 0
            // Nodes below `#` that this word reaches begin with the next one.
            let persistentBefore = persistentCount
            for position in 0..<currentCount { step(current[position], &walk) }
            for position in 0..<persistentBefore { step(persistent[position], &walk) }
            if isLast || (nextCount == 0 && persistentCount == 0) { return }
            swap(&current, &next)
            currentCount = nextCount
            start = end + 1
        }
    }

    @inline(__always)
    private mutating func step(_ index: UInt32, _ walk: inout RouteWalk) {
        let node = trie.nodes[index]
        if node.pointee.wordChildCount > 0 {
            if !isHashed {
                wordHash = hasher.hash(word, wordCount)
                isHashed = true
            }
            let child = trie.findWordChild(of: index, word, wordCount, wordHash, hasher)
            if child != noIndex { reach(child, &walk) }
        }
        if node.pointee.star != noIndex { reach(node.pointee.star, &walk) }
    }

    @inline(__always)
    private mutating func reach(_ index: UInt32, _ walk: inout RouteWalk) {
        let node = trie.nodes[index]
        if node.pointee.hash != noIndex { reach(hash: node.pointee.hash, &walk) }
        if isLast {
            walk.visit(node.pointee.targets)
        } else if node.pointee.wordChildCount > 0 || node.pointee.star != noIndex {
            next[nextCount] = index
            nextCount += 1
        }
    }

    @inline(__always)
    private mutating func reach(hash index: UInt32, _ walk: inout RouteWalk) {
        let node = trie.nodes[index]
        if node.pointee.word.0 == trie.matchCount { return }
        node.pointee.word.0 = trie.matchCount
        walk.visit(node.pointee.targets)
        if node.pointee.wordChildCount > 0 {
            persistent[persistentCount] = index
            persistentCount += 1
        }
    }
}
