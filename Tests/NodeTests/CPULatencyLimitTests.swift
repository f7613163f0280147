import Foundation
import Logging
import Testing

@testable import Node

@Suite struct CPULatencyLimitTests {
    /// A file in place of the device: what is written to it stays, and each hold begins at its start.
    private final class Setup {
        let path = FileManager.default.temporaryDirectory.appending(path: "cpu-latency-\(UUID())").path()
        let log = RecordingLog()

        init() { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func limit(_ microseconds: Int, at path: String? = nil) -> CPULatencyLimit {
            CPULatencyLimit(
                microseconds: microseconds, path: path ?? self.path, logger: Logger(label: "test") { _ in self.log })
        }

        var written: [UInt8] { FileManager.default.contents(atPath: path).map(Array.init) ?? [] }
    }

    @Test func theLimitHoldsWhileMessagesFlowAndForTwoSecondsMore() {
        let setup = Setup()
        let limit = setup.limit(0x01_02_03)
        limit.tick(hadMessages: false, milliseconds: 10_000)
        #expect(!limit.isHeld && setup.written.isEmpty)
        limit.tick(hadMessages: true, milliseconds: 10_250)
        #expect(limit.isHeld && setup.written == [3, 2, 1, 0])
        // Of another shard, which has none.
        limit.tick(hadMessages: false, milliseconds: 12_249)
        #expect(limit.isHeld)
        limit.tick(hadMessages: false, milliseconds: 12_250)
        #expect(!limit.isHeld)
        limit.tick(hadMessages: true, milliseconds: 20_000)
        #expect(limit.isHeld)
    }

    @Test func aStartTriesItAndLeavesProcessorsAsTheyWere() {
        let setup = Setup()
        let limit = setup.limit(0)
        limit.start()
        #expect(setup.written == [0, 0, 0, 0])
        #expect(!limit.isHeld)
        #expect(setup.log.lines.isEmpty)
    }

    @Test func aStartSaysWhyTheLimitCannotBeHad() {
        let setup = Setup()
        let limit = setup.limit(0, at: "/no/such/device")
        limit.start()
        limit.tick(hadMessages: true, milliseconds: 1000)
        #expect(!limit.isHeld)
        #expect(
            setup.log.lines == [
                "warning leveret.cpu_latency_limit_microseconds has no effect: cannot write to /no/such/device: "
                    + "No such file or directory; let the broker write there, or remove the setting"
            ])
    }

    @Test func afterTheStopNothingHoldsIt() {
        let setup = Setup()
        let limit = setup.limit(0)
        limit.tick(hadMessages: true, milliseconds: 1000)
        limit.stop()
        #expect(!limit.isHeld)
        limit.tick(hadMessages: true, milliseconds: 1250)
        #expect(!limit.isHeld)
    }
}
