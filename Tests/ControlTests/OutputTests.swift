import Foundation
import JSON
import Testing

@testable import leveretctl

@Suite struct TableTests {
    private var table: Table {
        Table(
            columns: [.init(title: "name"), .init(title: "messages", isNumber: true), .init(title: "state")],
            rows: [["orders", "12", "running"], ["a-rather-long-name-of-a-queue", "1234567", ""]])
    }

    @Test func columnsAreAligned() {
        #expect(
            table.lines(width: nil) == [
                "name                           messages  state", "orders                               12  running",
                "a-rather-long-name-of-a-queue   1234567",
            ])
        #expect(table.lines(width: nil, hasTitles: false).count == 2)
    }

    @Test func linesFitTheTerminal() {
        let lines = table.lines(width: 40)
        #expect(
            lines == [
                "name                   messages  state", "orders                       12  running",
                "a-rather-long-name-o…   1234567",
            ])
        #expect(lines.allSatisfy { Terminal.width($0) <= 40 })
        // Numbers are never cut: their column goes, and the titles say so.
        #expect(
            table.lines(width: 35) == [
                "name                     messages …", "orders                         12",
                "a-rather-long-name-of-…   1234567",
            ])
        #expect(table.lines(width: 20) == ["name …", "orders", "a-rather-long-nam…"])
        #expect(table.lines(width: 3) == ["name …", "orders", "a-rathe…"])
    }

    @Test func whatMovesTheCursorIsShown() {
        let table = Table(columns: [.init(title: "name")], rows: [["a\u{1B}[2J\nb"]])
        #expect(table.lines(width: nil)[1] == #"a\u{1B}[2J\u{A}b"#)
        #expect(table.tabbedLines(titles: nil) == [#"a\u{1B}[2J\u{A}b"#])
    }

    @Test func wideCharactersCountTwice() {
        #expect(Terminal.width("日本") == 4)
        #expect(Terminal.width("e\u{301}") == 1)
        #expect(Terminal.cut("日本語", to: 4) == "日…")
        #expect(Terminal.cut("abc", to: 3) == "abc")
        #expect(Terminal.cut("abcd", to: 3) == "ab…")
        #expect(Terminal.cut("abcd", to: 0) == "")
    }

    @Test func treesAreDrawn() {
        let tree = Tree(
            text: "root",
            children: [
                Tree(text: "a", children: [Tree(text: "b", children: [Tree(text: "c")]), Tree(text: "d")]),
                Tree(text: "e", children: [Tree(text: "f\n")]),
            ])
        #expect(
            tree.lines(width: nil) == [
                "root", "├── a", "│   ├── b", "│   │   └── c", "│   └── d", "└── e", #"    └── f\u{A}"#,
            ])
    }

    @Test func linesOfTreesAreBrokenInsideTheTree() {
        let tree = Tree(
            text: "root",
            children: [
                Tree(text: "one two three four five six", children: [Tree(text: "abcdefghijklmnopqrstuvwxyz 12")]),
                Tree(text: "日本語日本語日本語日本語日本語"),
            ])
        #expect(
            tree.lines(width: 30) == [
                "root", "├── one two three four five", "│   │   six", "│   └── abcdefghijklmnopqrstuv",
                "│           wxyz 12", "└── 日本語日本語日本語日本語日", "        本語",
            ])
        #expect(tree.lines(width: 10) == tree.lines(width: nil))
    }

    @Test func factsAreBrokenBelowThemselves() {
        let facts = [("a", "one two three"), ("name", "1234567890123456789 x")]
        #expect(
            Table.facts(facts, width: 22)
                == ["a     one two three", "name  1234567890123456", "      789 x"])
        #expect(Table.facts(facts, width: nil) == ["a     one two three", "name  1234567890123456789 x"])
    }
}

@Suite struct TextTests {
    @Test(
        arguments: [
            ("ordes", "orders"), ("odrers", "orders"), ("ORDERS", "orders"), ("biling", "billing"), ("xyz", nil),
            ("o", nil), ("billling-eu", "billing-eu"),
        ] as [(String, String?)])
    func nearestNames(wrong: String, expected: String?) {
        #expect(NearestName.find(wrong, among: ["orders", "billing", "billing-eu", "archive"]) == expected)
    }

    @Test func distances() {
        #expect(NearestName.distance(Array(""), Array("abc")) == 3)
        #expect(NearestName.distance(Array("abc"), Array("abc")) == 0)
        #expect(NearestName.distance(Array("ab"), Array("ba")) == 1)
        #expect(NearestName.distance(Array("kitten"), Array("sitting")) == 3)
    }

    @Test(arguments: [
        ("orders", "rde", true), ("orders", "o*s", true), ("orders", "o?ders", true), ("orders", "*", true),
        ("orders", "rders*", false), ("orders", "*x*", false), ("", "*", true), ("", "?", false), ("a", "", true),
        (String(repeating: "a", count: 2000), String(repeating: "a*", count: 50) + "b", false),
    ])
    func patterns(text: String, pattern: String, matches: Bool) {
        #expect(Glob.matches(text, pattern) == matches)
    }

    @Test func momentsAreFoundations() {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "yyyy-MM-dd HH:mm:ss"
        for day in stride(from: -20_000, to: 60_000, by: 13) {
            let seconds = day * 86_400 + (day &* 7_919) % 86_400
            let expected = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
            #expect(Moment.text(milliseconds: seconds * 1000 + 999) == expected)
        }
    }

    @Test func progressIsTold() {
        let bar = ProgressBar("importing", total: 10_000)
        #expect(
            bar.line(2500, after: .seconds(5), columns: 80)
                == "importing [######..................] 25 %  2,500 of 10,000  500/s  15 s left")
        #expect(bar.line(0, after: .zero, columns: 20).count <= 20)
        #expect(bar.line(10_000, after: .seconds(1), columns: 200).contains("100 %"))
    }

    @Test func wordsForShells() {
        #expect(Shell.quoted("orders.eu-1") == "orders.eu-1")
        #expect(Shell.quoted("") == "''")
        #expect(Shell.quoted("it's $5") == #"'it'\''s $5'"#)
    }

    @Test func messagesAreShown() {
        let message: JSONValue = [
            "exchange": "", "routing_key": "q", "redelivered": true, "payload_bytes": 5, "message_count": 2,
            "properties": ["headers": ["a": 1], "priority": 3], "payload": "x\u{1B}\ny\n", "payload_encoding": "string",
        ]
        #expect(
            MessageText(message: message).lines == [
                "── (default)  'q'  redelivered  5 B  2 behind it", #"   headers: {"a":1}"#, "   priority: 3",
                #"   x\u{1B}"#, "   y",
            ])
    }
}

@Suite struct ListingTests {
    private let rows: [JSONValue] = [
        ["name": "a", "messages": 3, "message_stats": ["publish_details": ["rate": 1.25]], "memory": 2048, "extra": 7]
    ]

    @Test func columnsAreChosenByNameTitleOrPath() throws {
        let listing = QueuesCommand.List.listing
        let chosen = try listing.chosen(
            ["name", "ready", "memory", "extra", "message_stats.publish_details.rate"], in: rows)
        #expect(chosen.map { $0.text(rows[0]) } == ["a", "", "2.0 KiB", "7", "1.25"])
        #expect(chosen[2].plainText(rows[0]) == "2048")
        #expect(chosen.map(\.isNumber) == [false, true, true, true, true])
    }

    @Test func unknownColumnsGetASuggestion() {
        let error = #expect(throws: ControlError.self) {
            try QueuesCommand.List.listing.chosen(["mesages"], in: rows)
        }
        #expect(error?.message.contains("Did you mean 'messages'?") == true)
    }

    @Test func missingValuesComeFirstAndNumbersBeforeTexts() {
        let values: [JSONValue] = ["b", 10, .null, 9, "a", 2.5]
        let sorted = values.sorted(by: JSONValue.isAscending)
        #expect(sorted == [.null, 2.5, 9, 10, "a", "b"])
    }
}
