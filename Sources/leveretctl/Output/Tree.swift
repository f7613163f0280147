import Console

/// A tree as lines of text, drawn with box characters.
struct Tree: Equatable {
    var text: String
    var children: [Tree] = []

    /// - Parameter width: where lines are broken; nil for nowhere.
    func lines(width: Int?) -> [String] {
        var lines: [String] = []
        append(to: &lines, "", following: "", width)
        return lines
    }

    private func append(to lines: inout [String], _ first: String, following: String, _ width: Int?) {
        let behind = following + (children.isEmpty ? "    " : "│   ")
        lines += Terminal.wrapped(first, printable(text), following: behind, width: width)
        for child in children.dropLast() {
            child.append(to: &lines, following + "├── ", following: following + "│   ", width)
        }
        children.last?.append(to: &lines, following + "└── ", following: following + "    ", width)
    }
}
