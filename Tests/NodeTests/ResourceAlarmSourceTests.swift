import Broker
import Logging
import Synchronization
import Testing

@testable import Node

@Suite struct ResourceAlarmSourceTests {
    /// A source with a limit of 100 bytes, a disk that is what it is told to be, and what it has applied.
    private final class Setup: Sendable {
        let free = Mutex<Int?>(100)
        let applied = Mutex<[ResourceAlarms]>([])
        let log = RecordingLog()

        var source: ResourceAlarmSource {
            ResourceAlarmSource(
                path: "/data", limitBytes: 100, memory: MemoryAccount(limitBytes: 1 << 30),
                logger: Logger(label: "test") { _ in self.log },
                freeBytes: { _ in self.free.withLock { $0 } },
                apply: { alarms in self.applied.withLock { $0.append(alarms) } })
        }
        var alarms: [ResourceAlarms] { applied.withLock { $0 } }
    }

    @Test func theAlarmGoesOnBelowTheLimitAndOffAtIt() {
        let setup = Setup()
        let source = setup.source
        source.check()
        #expect(setup.alarms.isEmpty)
        for free in [99, 98, 100, 200, 0] {
            setup.free.withLock { $0 = free }
            source.check()
        }
        #expect(setup.alarms == [.disk, [], .disk])
        #expect(
            setup.log.lines == [
                "warning free disk space is insufficient: 99 bytes of /data, limit 100; publishers are blocked",
                "info free disk space is sufficient: 100 bytes of /data, limit 100",
                "warning free disk space is insufficient: 0 bytes of /data, limit 100; publishers are blocked",
            ])
    }

    @Test func theJournalsFullDiskAndTooLittleSpaceAreOneAlarm() {
        let setup = Setup()
        let source = setup.source
        source.setDiskFull(true)
        source.setDiskFull(true)
        #expect(setup.alarms == [.disk])
        setup.free.withLock { $0 = 0 }
        source.check()
        source.setDiskFull(false)
        #expect(setup.alarms == [.disk])
        setup.free.withLock { $0 = 100 }
        source.check()
        #expect(setup.alarms == [.disk, []])
        #expect(setup.log.lines.count == 4)
    }

    @Test func withoutAnAnswerNothingChanges() {
        let setup = Setup()
        let source = setup.source
        setup.free.withLock { $0 = 0 }
        source.check()
        setup.free.withLock { $0 = nil }
        source.check()
        source.check()
        #expect(setup.alarms == [.disk])
        #expect(setup.log.lines.last == "warning cannot tell the free disk space of /data")
        #expect(setup.log.lines.count == 2)
        setup.free.withLock { $0 = 100 }
        source.check()
        #expect(setup.alarms == [.disk, []])
    }

    @Test func anAlarmIsOnWhenStartReturnsAndNothingComesAfterStop() async {
        let setup = Setup()
        let source = setup.source
        setup.free.withLock { $0 = 0 }
        await source.start()
        #expect(setup.alarms == [.disk])
        source.stop()
        source.setDiskFull(true)
        setup.free.withLock { $0 = 100 }
        source.check()
        #expect(setup.alarms == [.disk])
    }

    /// The timer: nobody calls `check` here.
    @Test func itLooksAgainByItself() async {
        let setup = Setup()
        let source = setup.source
        await source.start()
        setup.free.withLock { $0 = 0 }
        while setup.alarms.isEmpty { await Task.yield() }
        #expect(setup.alarms == [.disk])
        source.stop()
    }
}
