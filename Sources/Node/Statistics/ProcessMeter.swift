import Broker
import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The process and what it may use: RabbitMQ's `/api/nodes`.
package struct ProcessSnapshot: Sendable {
    /// `os_pid`.
    package var processID = 0
    /// `uptime`.
    package var uptimeMilliseconds: UInt64 = 0
    /// `mem_used`: resident bytes of the process.
    package var memoryUsedByteCount = 0
    /// Bytes of `memoryUsedByteCount` that messages and queues take, and that the journal's index takes.
    package var messageMemoryByteCount = 0
    package var journalMemoryByteCount = 0
    /// `mem_limit`.
    package var memoryLimitByteCount = 0
    /// `mem_alarm`.
    package var hasMemoryAlarm = false
    /// `disk_free`; nil when the system does not say.
    package var diskFreeByteCount: Int?
    /// `disk_free_limit`.
    package var diskFreeLimitByteCount = 0
    /// `disk_free_alarm`.
    package var hasDiskAlarm = false
    /// `fd_used`, `fd_total`.
    package var descriptorCount = 0
    package var descriptorLimit = 0
    /// `sockets_used`: of AMQP clients.
    package var socketCount = 0
    /// `proc_used`: threads of the process.
    package var threadCount = 0
    /// `processors`.
    package var processorCount = 0
    /// `run_queue`: event loops that were busy nearly all of the last quarter of a second, so that something waits.
    package var busyLoopCount = 0
    /// How busy each event loop was, in thousandths.
    package var loopBusyPermille: [Int] = []
    package var journal = JournalFigures()

    package init() {}
}

/// Looks at the process. From any thread.
final class ProcessMeter: Sendable {
    private let startedMilliseconds = Clock.now.monotonicMilliseconds
    private let memory: MemoryAccount
    private let alarms: ResourceAlarmSource
    private let journal: JournalMeter
    private let memoryLimitBytes: Int
    private let diskFreeLimitBytes: Int

    /// An event loop that works so much has no rest.
    private static let busyPermille = 950

    init(
        memory: MemoryAccount, alarms: ResourceAlarmSource, journal: JournalMeter, memoryLimitBytes: Int,
        diskFreeLimitBytes: Int
    ) {
        self.memory = memory
        self.alarms = alarms
        self.journal = journal
        self.memoryLimitBytes = memoryLimitBytes
        self.diskFreeLimitBytes = diskFreeLimitBytes
    }

    func snapshot(_ loads: [ShardLoad]) -> ProcessSnapshot {
        var snapshot = ProcessSnapshot()
        snapshot.processID = Int(getpid())
        snapshot.uptimeMilliseconds = Clock.now.monotonicMilliseconds - startedMilliseconds
        snapshot.memoryUsedByteCount = Self.residentByteCount(statm: readSmallFile("/proc/self/statm") ?? "")
        snapshot.messageMemoryByteCount = max(0, memory.messageByteCount)
        snapshot.journalMemoryByteCount = memory.journalByteCount
        snapshot.memoryLimitByteCount = memoryLimitBytes
        let (current, freeBytes) = alarms.current
        snapshot.hasMemoryAlarm = current.contains(.memory)
        snapshot.hasDiskAlarm = current.contains(.disk)
        snapshot.diskFreeByteCount = freeBytes
        snapshot.diskFreeLimitByteCount = diskFreeLimitBytes
        snapshot.descriptorCount = Self.descriptorCount
        snapshot.descriptorLimit = Self.descriptorLimit
        snapshot.socketCount = loads.reduce(0) { $0 + $1.connectionCount }
        snapshot.threadCount = Self.threadCount(status: readSmallFile("/proc/self/status") ?? "")
        snapshot.processorCount = System.coreCount
        snapshot.loopBusyPermille = loads.map(\.busy)
        snapshot.busyLoopCount = snapshot.loopBusyPermille.count { $0 >= Self.busyPermille }
        snapshot.journal = journal.figures
        return snapshot
    }

    /// The second number of `/proc/self/statm`, in pages.
    static func residentByteCount(statm: String) -> Int {
        let fields = statm.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        let (bytes, overflow) = pages.multipliedReportingOverflow(by: pageByteCount)
        return overflow ? 0 : bytes
    }

    /// `Threads` of `/proc/self/status`.
    static func threadCount(status: String) -> Int {
        for line in status.split(separator: "\n") where line.hasPrefix("Threads:") {
            return Int(line.dropFirst("Threads:".count).drop { $0 == "\t" || $0 == " " }) ?? 0
        }
        return 0
    }

    private static var pageByteCount: Int {
        #if canImport(Glibc)
            sysconf(Int32(_SC_PAGESIZE))
        #else
            sysconf(_SC_PAGESIZE)
        #endif
    }

    /// Entries of `/proc/self/fd`, without the two that are no files and the one that looking takes.
    private static var descriptorCount: Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return max(0, count - 3)
    }

    private static var descriptorLimit: Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let result = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #else
            let result = getrlimit(RLIMIT_NOFILE, &limit)
        #endif
        return result == 0 ? Int(clamping: limit.rlim_cur) : 0
    }
}
