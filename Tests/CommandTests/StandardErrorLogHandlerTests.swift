import Glibc
import Logging
import Testing

@testable import leveret

@Suite struct StandardErrorLogHandlerTests {
    private func line(
        _ message: Logger.Message, metadata: Logger.Metadata? = nil, label: String = "listener"
    ) -> String {
        let event = LogEvent(
            level: .info, message: message, metadata: metadata, source: nil, file: "", function: "", line: 0)
        // 2026-11-21T12:34:56.789Z
        let time = timespec(tv_sec: 1_795_264_496, tv_nsec: 789_999_999)
        return StandardErrorLogHandler(label: label, level: .info).line(for: event, at: time)
    }

    @Test func entryIsTimeLevelLabelText() {
        #expect(line("listening on ::1") == "2026-11-21T12:34:56.789Z info listener: listening on ::1")
    }

    @Test func valuesFollowInOrderOfTheirKeys() {
        let expected = #"2026-11-21T12:34:56.789Z info listener: refused peer=127.0.0.1:1 user="a b""#
        #expect(line("refused", metadata: ["user": "a b", "peer": "127.0.0.1:1"]) == expected)
    }

    @Test func nobodyElseWritesALineOfTheLog() {
        let entry = line("user '\n2026 forged\r\u{1B}[2J'", metadata: ["na\nme": "x\u{2028}y"])
        #expect(entry.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{2028}" })
        #expect(entry.hasSuffix(#"user '\n2026 forged\r\u{1B}[2J' na\nme=x\u{2028}y"#))
    }

    @Test func entryIsBounded() {
        let long = String(repeating: "ä\n", count: 100_000)
        let value = Logger.MetadataValue.string(long)
        let values = Dictionary(uniqueKeysWithValues: (0..<100).map { ("\(long)\($0)", value) })
        #expect(line("\(long)", metadata: values, label: long).utf8.count < 16_384)
    }

    @Test(arguments: [(0, "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z")])
    func timeIsUTC(seconds: Int, expected: String) {
        #expect(StandardErrorLogHandler.timestamp(timespec(tv_sec: seconds, tv_nsec: 0)) == expected)
    }
}
