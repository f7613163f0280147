import Console

/// A tree as lines of text, drawn with box characters.
struct Tree: Equatable {
    var text: String
    var children: [Tree] = []

    var lines: [String] {
        var lines = [printable(text)]
        append(to: &lines, indentation: "")
        return lines
    }

    private func append(to lines: inout [String], indentation: String) {
        for (index, child) in children.enumerated() {
            let isLast = index == children.count - 1
            lines.append(indentation + (isLast ? "└── " : "├── ") + printable(child.text))
            child.append(to: &lines, indentation: indentation + (isLast ? "    " : "│   "))
        }
    }
}
