/// The bindings of a topic exchange: a trie over the words of their patterns, flat in one array of nodes.
///
/// A node has at most one child for `*`, one for `#`, and one for each word. Words' children are found through one hash
/// index over all nodes, by parent and word, so that a node with ten thousand children costs no more than one with two.
///
/// Patterns are brought to a normal form first: in a run of wildcards the `*` come first and one `#` stands for all
/// (`#.*.#` is `*.#`), which matches the same keys. So below a `#` there are only words.
struct TopicTrie {
    struct Node: BitwiseCopyable {
        /// The word that leads here; beyond 24 bytes its address. For the child of `#`, which has no word: when it was
        /// last reached.
        var word: (UInt64, UInt64, UInt64) = (0, 0, 0)
        var targets = TargetList()
        var parent: UInt32
        /// The child for `*`, or `noIndex`.
        var star = noIndex
        /// The child for `#`, or `noIndex`.
        var hash = noIndex
        /// How many children have a word.
        var wordChildCount: UInt32 = 0
        /// Where the index of words has it.
        var edgeHash: UInt32 = 0
        var wordCount: UInt8 = 0
        var kind: NodeKind

        init(parent: UInt32, kind: NodeKind) {
            self.parent = parent
            self.kind = kind
        }

        var isUnused: Bool { targets.isEmpty && star == noIndex && hash == noIndex && wordChildCount == 0 }
    }

    /// By what a node is reached.
    enum NodeKind: UInt8, BitwiseCopyable { case root, word, star, hash }

    static let inlineWordLimit = 24
    static let root: UInt32 = 0

    private(set) var nodes = RecordPool<Node>()
    private(set) var wordIndex = HashSlots()

    /// Room for three sets of nodes, each as large as the trie: a match allocates nothing.
    private(set) var scratch: UnsafeMutablePointer<UInt32>
    private(set) var scratchCapacity: Int
    var matchCount: UInt64 = 0

    init() {
        scratchCapacity = 8
        scratch = .allocate(capacity: 3 * scratchCapacity)
        _ = insertNode(Node(parent: noIndex, kind: .root))
    }

    /// Returns where the binding is, for `remove`.
    mutating func add(
        _ pattern: UnsafeRawBufferPointer, _ target: Target, binding: UInt32, _ hasher: ByteHash
    ) -> (place: UInt32, position: UInt32) {
        let node = descend(pattern, hasher)
        return (node, nodes[node].pointee.targets.append(target, binding: binding))
    }

    /// Returns the binding that moved to `position`, or `noIndex`.
    mutating func remove(place: UInt32, position: UInt32) -> UInt32 {
        let moved = nodes[place].pointee.targets.remove(at: position)
        var node = place
        while node != TopicTrie.root, nodes[node].pointee.isUnused {
            let parent = nodes[node].pointee.parent
            cut(node, from: parent)
            node = parent
        }
        return moved
    }

    /// - Precondition: every binding is removed.
    mutating func deallocate() {
        nodes.deallocate()
        wordIndex.deallocate()
        scratch.deallocate()
    }

    var nodeCount: Int { nodes.count }

    // MARK: - Changing

    /// The node of the pattern, made where it does not exist.
    private mutating func descend(_ pattern: UnsafeRawBufferPointer, _ hasher: ByteHash) -> UInt32 {
        var node = TopicTrie.root
        var pendingHash = false
        var start = 0
        // The empty pattern has no word at all; "." has two empty ones.
        while !pattern.isEmpty, start <= pattern.count {
            var end = start
            while end < pattern.count, pattern[end] != UInt8(ascii: ".") { end += 1 }
            let word = UnsafeRawBufferPointer(rebasing: pattern[start..<end])
            if word.count == 1, word[0] == UInt8(ascii: "*") {
                node = starChild(of: node)
            } else if word.count == 1, word[0] == UInt8(ascii: "#") {
                pendingHash = true
            } else {
                if pendingHash { node = hashChild(of: node) }
                pendingHash = false
                node = wordChild(of: node, word, hasher)
            }
            start = end + 1
        }
        return pendingHash ? hashChild(of: node) : node
    }

    private mutating func starChild(of parent: UInt32) -> UInt32 {
        if nodes[parent].pointee.star != noIndex { return nodes[parent].pointee.star }
        let child = insertNode(Node(parent: parent, kind: .star))
        nodes[parent].pointee.star = child
        return child
    }

    private mutating func hashChild(of parent: UInt32) -> UInt32 {
        if nodes[parent].pointee.hash != noIndex { return nodes[parent].pointee.hash }
        let child = insertNode(Node(parent: parent, kind: .hash))
        nodes[parent].pointee.hash = child
        return child
    }

    private mutating func wordChild(
        of parent: UInt32, _ word: UnsafeRawBufferPointer, _ hasher: ByteHash
    ) -> UInt32 {
        let wordHash = hasher.hash(word.start, word.count)
        let found = findWordChild(of: parent, word.start, word.count, wordHash, hasher)
        if found != noIndex { return found }

        let hash = TopicTrie.edgeHash(parent, wordHash, hasher)
        var node = Node(parent: parent, kind: .word)
        node.edgeHash = hash
        node.wordCount = UInt8(word.count)
        let child = insertNode(node)
        if word.count > TopicTrie.inlineWordLimit {
            let copy = UnsafeMutableRawPointer.allocate(byteCount: word.count, alignment: 8)
            copy.copyMemory(from: word.start, byteCount: word.count)
            nodes[child].pointee.word.0 = UInt64(UInt(bitPattern: copy))
        } else if word.count > 0 {
            UnsafeMutableRawPointer(nodes[child]).copyMemory(from: word.start, byteCount: word.count)
        }
        wordIndex.insert(hash, child)
        nodes[parent].pointee.wordChildCount += 1
        return child
    }

    private mutating func insertNode(_ node: Node) -> UInt32 {
        let index = nodes.insert(node)
        if nodes.bound > scratchCapacity {
            scratch.deallocate()
            scratchCapacity = nodes.capacity
            scratch = .allocate(capacity: 3 * scratchCapacity)
        }
        return index
    }

    private mutating func cut(_ node: UInt32, from parent: UInt32) {
        switch nodes[node].pointee.kind {
        case .root: return
        case .star: nodes[parent].pointee.star = noIndex
        case .hash: nodes[parent].pointee.hash = noIndex
        case .word:
            wordIndex.remove(nodes[node].pointee.edgeHash, node)
            nodes[parent].pointee.wordChildCount -= 1
            if Int(nodes[node].pointee.wordCount) > TopicTrie.inlineWordLimit {
                TopicTrie.longWord(nodes[node])?.deallocate()
            }
        }
        nodes.remove(node)
    }

    // MARK: - Finding a word's child

    @inline(__always)
    static func edgeHash(_ parent: UInt32, _ wordHash: UInt64, _ hasher: ByteHash) -> UInt32 {
        UInt32(truncatingIfNeeded: hasher.hash(wordHash, UInt64(parent)))
    }

    @inline(__always)
    func findWordChild(
        of parent: UInt32, _ word: UnsafeRawPointer, _ count: Int, _ wordHash: UInt64, _ hasher: ByteHash
    ) -> UInt32 {
        let nodes = nodes
        return wordIndex.find(TopicTrie.edgeHash(parent, wordHash, hasher)) { index in
            let node = nodes[index]
            guard node.pointee.parent == parent, Int(node.pointee.wordCount) == count else { return false }
            if count <= TopicTrie.inlineWordLimit { return equalBytes(UnsafeRawPointer(node), word, count) }
            guard let long = TopicTrie.longWord(node) else { return false }
            return equalBytes(long, word, count)
        }
    }

    @inline(__always)
    private static func longWord(_ node: UnsafeMutablePointer<Node>) -> UnsafeRawPointer? {
        UnsafeRawPointer(bitPattern: UInt(truncatingIfNeeded: node.pointee.word.0))
    }
}
