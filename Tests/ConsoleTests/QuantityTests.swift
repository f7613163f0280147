import Console
import Testing

@Suite struct QuantityTests {
    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), ((1 << 20) - 1, "1,023.9 KiB"),
        (1 << 20, "1.0 MiB"), (5 << 30, "5.0 GiB"), (5 << 50, "5,120.0 TiB"), (Int.max, "8,388,607.9 TiB"),
    ])
    func bytesAreToldInUnits(count: Int, text: String) {
        #expect(Quantity.bytes(count) == text)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-123_456, "-123,456"), (1_234_567, "1,234,567")])
    func thousandsAreSeparated(number: Int, text: String) {
        #expect(Quantity.grouped(number) == text)
    }

    @Test func durations() {
        let texts = [(0, "0 s"), (59.6, "1 min"), (3725, "1 h 2 min"), (90_061, "1 d 1 h"), (.infinity, "ages")]
        for (seconds, text) in texts { #expect(Quantity.seconds(seconds) == text) }
        #expect(Quantity.tenths(1234.56) == "1,234.6")
        #expect(Quantity.tenths(-0.04) == "0.0")
    }

    @Test func numbersAreReadable() {
        #expect(Quantity.grouped(1_234_567) == "1,234,567" && Quantity.grouped(-1234) == "-1,234")
        #expect(Quantity.fixed(3.14159, 2) == "3.14" && Quantity.fixed(-0.001, 2) == "0.00")
        #expect(Quantity.fixed(.nan, 2) == "0" && Quantity.fixed(0.05, 1) == "0.1")
        #expect(Quantity.duration(nanoseconds: 48_300) == "48.3 us")
        #expect(Quantity.duration(nanoseconds: 2_500_000_000) == "2.50 s")
        for (text, plain) in [("8.00 M", "8 M"), ("0.50", "0.5"), ("10.0 us", "10 us"), ("100", "100"), ("0.0", "0")] {
            #expect(Quantity.plain(text) == plain)
        }
        #expect(Quantity.padded(7, digits: 3) == "007" && Quantity.padded(1234, digits: 3) == "1234")
        #expect(Quantity.grouped(.infinity) == "?" && Quantity.grouped(1234.5) == "1,235")
        #expect(Quantity.short(3_170_000) == "3.17 M" && Quantity.short(999) == "999")
    }

    @Test func columnsStandBelowEachOther() {
        let rows = [["name", "1", "22"], ["a", "333"], ["long name", "", "4"]]
        #expect(Columns.aligned(rows) == ["name         1  22", "a          333", "long name        4"])
        #expect(Columns.aligned([["a", "1"]], gap: 1, firstWidth: 4) == ["a    1"])
    }

    @Test(arguments: [
        ("plain", "plain"), ("Häsin", "Häsin"), ("a\n\u{1B}[2J", #"a\u{A}\u{1B}[2J"#), ("\u{202E}x", #"\u{202E}x"#),
        ("\u{9B}2J\u{2028}", #"\u{9B}2J\u{2028}"#), ("", ""),
    ])
    func whatSteersATerminalIsShown(text: String, expected: String) {
        #expect(printable(text) == expected)
    }
}
