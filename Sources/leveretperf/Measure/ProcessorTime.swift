import Glibc

/// Processor time at one moment: of this tool, of the broker's processes, of the whole machine.
struct ProcessorTime: Equatable, Sendable {
    var clientSeconds = 0.0
    /// nil without `--pid`.
    var brokerSeconds: Double?
    /// What all processors worked since the machine was started; nil where the system does not say.
    var machineSeconds: Double?

    init() {}

    init(processes: [Int32]) {
        clientSeconds = Self.ownSeconds()
        brokerSeconds = processes.isEmpty ? nil : processes.reduce(0) { $0 + (Self.seconds(of: $1) ?? 0) }
        machineSeconds = Self.textOf("/proc/stat").flatMap(Self.busySeconds)
    }

    private static func ownSeconds() -> Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(microseconds) / 1e6
    }

    private static let ticksPerSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))

    static func seconds(of process: Int32) -> Double? {
        textOf("/proc/\(process)/stat").flatMap(usedTicks).map { Double($0) / ticksPerSecond }
    }

    /// Fields 14 and 15 of a process's `stat`: the name in field 2 may contain anything, also blanks and brackets.
    static func usedTicks(stat: String) -> Int? {
        guard let nameEnd = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return nil }
        return user + system
    }

    /// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal.
    private static func busySeconds(_ stat: String) -> Double? {
        guard let line = stat.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
        let fields = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        guard fields.count == 8 else { return nil }
        return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / ticksPerSecond
    }

    /// `VmRSS` of a process in KiB.
    static func residentKibibytes(of process: Int32) -> Int? {
        guard let text = textOf("/proc/\(process)/status"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") })
        else { return nil }
        return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    static func residentKibibytes(of processes: [Int32]) -> Int? {
        processes.isEmpty ? nil : processes.reduce(0) { $0 + (residentKibibytes(of: $1) ?? 0) }
    }

    /// A short file of the system, whole; nil when it is not there.
    private static func textOf(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 8192)
        while bytes.count < 1 << 20 {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// A process that is not there would read as one that costs nothing.
    static func check(_ processes: [Int32]) throws(PerfError) {
        for process in processes where seconds(of: process) == nil {
            throw .usage(
                "--pid \(process) is no process of this machine", example: "throughput --pid $(pidof leveret)")
        }
    }
}

/// What was used between two moments.
struct ProcessorUse: Equatable, Sendable {
    let elapsedSeconds: Double
    let clientSeconds: Double
    let brokerSeconds: Double?
    /// Processors that something else kept busy: with `--pid` everything but tool and broker, else everything but the
    /// tool.
    let otherCores: Double?

    init(from start: ProcessorTime, to end: ProcessorTime, elapsedSeconds: Double) {
        self.elapsedSeconds = max(elapsedSeconds, 1e-9)
        clientSeconds = end.clientSeconds - start.clientSeconds
        if let first = start.brokerSeconds, let last = end.brokerSeconds {
            brokerSeconds = max(0, last - first)
        } else {
            brokerSeconds = nil
        }
        if let first = start.machineSeconds, let last = end.machineSeconds {
            let other = last - first - clientSeconds - (brokerSeconds ?? 0)
            otherCores = max(0, other) / self.elapsedSeconds
        } else {
            otherCores = nil
        }
    }

    var clientCores: Double { clientSeconds / elapsedSeconds }
    var brokerCores: Double? { brokerSeconds.map { $0 / elapsedSeconds } }
}
