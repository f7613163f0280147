import Foundation

extension SwiftSource {
    /// A function, initialiser, subscript or computed property with a body.
    struct Function: Equatable {
        let name: String
        /// 1 for the first line of the file.
        let line: Int
        /// From the declaration to the closing brace, both included.
        let length: Int
    }

    /// Every function with a body, by counting braces from each declaration on.
    var functions: [Function] {
        code.indices.compactMap { index in
            guard let match = declaration(on: index) else { return nil }
            let isProperty = match.output.2 != nil
            guard let end = bodyEnd(from: index, onOneLine: isProperty) else { return nil }
            let name = match.output.1 ?? match.output.2 ?? match.output.3 ?? ""
            return Function(name: String(name), line: index + 1, length: end - index + 1)
        }
    }

    /// A declaration stands first on its line, after attributes and modifiers: `func name`, `var name`, or `init`,
    /// `deinit`, `subscript`.
    private func declaration(on index: Int) -> Regex<(Substring, Substring?, Substring?, Substring?)>.Match? {
        let line = code[index]
        let words = ["func ", "var ", "init", "subscript"]
        guard words.contains(where: { line.utf8.firstRange(of: $0.utf8) != nil }) else { return nil }
        let pattern =
            #/
            ^\s*(?:(?:@\w+(?:\([^)]*\))?|[a-z]+(?:\([a-z]+\))?)\s+)*?
            (?:func\s+([^\s(<]+)|var\s+(\w+)|(init|deinit|subscript)\b)
            /#
        return line.firstMatch(of: pattern)
    }

    /// The line of the brace that closes the body of the declaration at `start`, or nil when it has no body.
    private func bodyEnd(from start: Int, onOneLine: Bool) -> Int? {
        var braces = 0
        var parentheses = 0
        for index in start..<code.count {
            // The next declaration begins, so this one was a requirement of a protocol.
            if index > start, braces == 0, parentheses == 0, declaration(on: index) != nil { return nil }
            for character in code[index] {
                switch character {
                case "(", "[": if braces == 0 { parentheses += 1 }
                case ")", "]": if braces == 0 { parentheses -= 1 }
                case "{" where parentheses == 0: braces += 1
                case "}" where parentheses == 0:
                    braces -= 1
                    if braces <= 0 { return braces == 0 ? index : nil }
                case "=" where onOneLine && braces == 0: return nil
                default: break
                }
            }
            if onOneLine, braces == 0, parentheses == 0 { return nil }
        }
        return nil
    }
}
