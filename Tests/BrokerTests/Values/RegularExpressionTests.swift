import SplitMix
import Testing

@testable import Broker

struct RegularExpressionTests {
    private func matches(_ pattern: String, _ text: String) throws -> Bool {
        try RegularExpression(Array(pattern.utf8)).matches(Array(text.utf8))
    }

    @Test(arguments: [
        ("a{2}", "baab", true), ("^a{2}$", "aaa", false), ("^a{2,}$", "aaa", true), ("^a{,2}$", "a{,2}", true),
        ("^[^a-c]$", "d", true), ("^[]a]$", "]", true), ("^[a-]$", "-", true), ("^[\\d-x]$", "-", true),
        ("^[[:alpha:]_]+$", "a_b", true), ("^\\x41$", "A", true), ("\\bfoo\\b", "a foo b", true),
        ("\\bfoo\\b", "afoob", false), ("^a$", "a\n", true), ("^a\\z", "a\n", false), ("(?m)^b$", "a\nb\nc", true),
        ("^a.b$", "a\nb", false), ("(?s)^a.b$", "a\nb", true), ("(?i:A)b", "ab", true), ("(?i:A)b", "aB", false),
        ("^(?>a+)a", "aaa", false), ("^a++a", "aaa", false), ("^a+?a$", "aaa", true), ("^(a|ab)(c|bcd)$", "abcd", true),
        ("^(?=.*x)(?!.*y).*$", "axb", true), ("^(?=.*x)(?!.*y).*$", "axyb", false), ("^(a*)*$", "aaab", false),
        ("^(a*)+b", "aaab", true), ("()", "", true), ("^(|a)+$", "aa", true), ("a|", "", true), ("\\.", "a", false),
    ])
    func perlsSyntaxIsUnderstood(_ pattern: String, _ text: String, _ expected: Bool) throws {
        #expect(try matches(pattern, text) == expected)
    }

    @Test(arguments: [
        "(", ")", "a)", "[", "[]", "*a", "a**", "+", "a{2,1}", "{2}", "\\", "\\1", "\\k", "(?<a>b)", "[b-a]", "\\xg0",
        "(?P<n>a)", "a{1001}", "[a", String(repeating: "(", count: 200) + String(repeating: ")", count: 200),
    ])
    func whatIsNotUnderstoodIsRefused(_ pattern: String) {
        #expect(throws: PatternError.self) { try RegularExpression(Array(pattern.utf8)) }
    }

    /// Each would take longer than anybody has.
    @Test(arguments: ["^(a+)+$", "(a|aa)+$", "^(a?){60}b$", "(a*)*(a*)*(a*)*b$", "^(?!(a+)+$)"])
    func aPatternThatExplodesGivesUp(_ pattern: String) throws {
        #expect(try !matches(pattern, String(repeating: "a", count: 254) + "c"))
    }

    /// The stack is bounded, too.
    @Test func aDeeplyNestedPatternEnds() throws {
        let groups = String(repeating: "(", count: 48) + "a" + String(repeating: ")*", count: 48)
        #expect(try !matches("^\(groups)$", String(repeating: "a", count: 254) + "c"))
        #expect(try matches("^\(groups)$", "aaa"))
    }

    /// As long as names are, nothing ordinary runs into the bounds.
    @Test func aLongNameMatches() throws {
        let name = String(repeating: "a", count: 255)
        for pattern in ["^a+$", "^(a|b)*$", "^([a-z]+)$", "(a)(a)*$", "^.*a.*a.*$", "^(?!b).*$", "^(ab?)*$"] {
            #expect(try matches(pattern, name), "\(pattern)")
        }
    }

    private func pattern(_ random: inout SplitMix64, depth: Int = 0) -> String {
        var text = ""
        for _ in 0...random.below(3) {
            switch random.below(depth < 2 ? 12 : 8) {
            case 0..<4: text += random.pick(["a", "b", "c"])
            case 4: text += "."
            case 5: text += random.pick(["[ab]", "[^a]", "[b-c]", "\\w", "\\."])
            case 6: text += random.pick(["^", "$"])
            case 7: text += "c"
            case 8: text += "(\(pattern(&random, depth: depth + 1)))"
            case 9: text += "(?:\(pattern(&random, depth: depth + 1))|\(pattern(&random, depth: depth + 1)))"
            case 10: text += "(?=\(pattern(&random, depth: depth + 1)))"
            default: text += "(?!\(pattern(&random, depth: depth + 1)))"
            }
            let last = text.last ?? "^"
            if !"^$)".contains(last), random.chance(40) {
                text += random.pick(["*", "+", "?", "{2}", "{1,2}", "*?", "+?"])
            } else if last == ")", random.chance(20), !text.contains("(?=") && !text.contains("(?!") {
                text += random.pick(["*", "+", "?", "{2}"])
            }
        }
        return text
    }

    /// But for word boundaries, which are Unicode's there.
    @Test(arguments: Seeds.first(20))
    func itMatchesWhatTheStandardLibraryMatches(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<40 {
            let pattern = pattern(&random)
            let expected = try Regex(pattern).matchingSemantics(.unicodeScalar)
            let own = try RegularExpression(Array(pattern.utf8))
            for _ in 0..<10 {
                let text = (0..<random.below(6)).map { _ in random.pick(["a", "b", "c", ".", "d"]) }.joined()
                let isMatch = try expected.firstMatch(in: text) != nil
                #expect(own.matches(Array(text.utf8)) == isMatch, "\(pattern) in '\(text)'")
            }
        }
    }
}
