import AMQPWire
import Console
import Glibc
import struct LeveretClient.ConnectionOptions
import Synchronization

/// What opening, holding and closing many connections has shown.
struct ConnectionsResult: Sendable {
    let product: String
    let place: String
    let count: Int
    let isBare: Bool
    var openSeconds = 0.0
    var closeSeconds = 0.0
    var open: LatencySummary
    var openUse: ProcessorUse?
    var holdUse: ProcessorUse?
    var residentBeforeKibibytes: Int?
    var residentHeldKibibytes: Int?

    var openRate: Double { openSeconds > 0 ? Double(count) / openSeconds : 0 }
    var closeRate: Double { closeSeconds > 0 ? Double(count) / closeSeconds : 0 }
    var kibibytesPerConnection: Double? {
        guard let before = residentBeforeKibibytes, let held = residentHeldKibibytes else { return nil }
        return Double(held - before) / Double(count)
    }
}

/// Opens connections from several threads, holds them, and closes them. Each has a channel, an auto-delete queue and a
/// consumer, unless it is bare.
struct ConnectionsRun {
    let count: Int
    let concurrency: Int
    let holdSeconds: Double
    let isBare: Bool
    let options: ConnectionOptions
    let processes: [Int32]
    let prefix: String
    let frameMax: UInt32
    let deadline: Deadline
    let progress: Progress

    static let countLimit = 28_000

    /// Sessions are made by one thread each, and read by the main thread once those have ended.
    private final class Opened: @unchecked Sendable {
        var sessions: [BrokerSession] = []
        var times: [UInt64] = []
    }

    /// What a thread needs to open a connection.
    private struct Opening: Sendable {
        let options: ConnectionOptions
        let isBare: Bool
        let prefix: String
        let frameMax: UInt32
        let deadline: Deadline

        func open(_ number: Int) throws(PerfError) -> BrokerSession {
            let session = try BrokerSession(options, frameMax: frameMax, deadline: deadline)
            if isBare { return session }
            _ = try session.call(.channelOpen(ChannelOpen()), deadline)
            let queue = ShortString(truncating: "\(prefix).q\(number)")
            // Exclusive, so that it ends with its connection, however this one ends.
            _ = try session.call(
                .queueDeclare(QueueDeclare(queue: queue, exclusive: true, autoDelete: true)), deadline)
            _ = try session.call(.basicConsume(BasicConsume(queue: queue, noAck: true)), deadline)
            return session
        }
    }

    private final class Shared: Sendable {
        let opened = Atomic<Int>(0)
        let isStopped = Atomic<Bool>(false)
        let failure = Mutex<PerfError?>(nil)
    }

    func run() throws(PerfError) -> ConnectionsResult {
        try ProcessorTime.check(processes)
        try raiseFileLimit()
        let probe = try BrokerSession(options, frameMax: frameMax, deadline: deadline)
        var result = ConnectionsResult(
            product: probe.product, place: options.place, count: count, isBare: isBare,
            open: LatencySummary(nanoseconds: []))
        result.residentBeforeKibibytes = ProcessorTime.residentKibibytes(of: processes)
        let batches = (0..<concurrency).map { _ in Opened() }
        defer {
            progress.end()
            Connecting.close([probe])
        }
        do {
            let before = ProcessorTime(processes: processes)
            let start = MonotonicClock.nanoseconds
            try open(batches)
            result.openSeconds = Double(MonotonicClock.nanoseconds - start) / 1e9
            result.openUse = ProcessorUse(
                from: before, to: ProcessorTime(processes: processes), elapsedSeconds: result.openSeconds)
            result.open = LatencySummary(nanoseconds: batches.flatMap(\.times))
            try hold(&result)
        } catch {
            Connecting.close(batches.flatMap(\.sessions))
            throw error
        }
        let start = MonotonicClock.nanoseconds
        // A broker that takes a minute for its goodbyes is measured too.
        try onThreads { index in Connecting.close(batches[index].sessions, seconds: 60) }
        result.closeSeconds = Double(MonotonicClock.nanoseconds - start) / 1e9
        return result
    }

    private func open(_ batches: [Opened]) throws(PerfError) {
        let shared = Shared()
        let (count, concurrency) = (count, concurrency)
        let opening = Opening(
            options: options, isBare: isBare, prefix: prefix, frameMax: frameMax, deadline: deadline)
        try onThreads(watching: shared) { index in
            let batch = batches[index]
            do throws(PerfError) {
                for number in stride(from: index, to: count, by: concurrency) {
                    if shared.isStopped.load(ordering: .relaxed) { return }
                    let start = MonotonicClock.nanoseconds
                    batch.sessions.append(try opening.open(number))
                    batch.times.append(MonotonicClock.nanoseconds - start)
                    shared.opened.wrappingAdd(1, ordering: .relaxed)
                }
            } catch {
                shared.failure.withLock { $0 = $0 ?? error }
                shared.isStopped.store(true, ordering: .relaxed)
            }
        }
        if let error = shared.failure.withLock({ $0 }) { throw error }
    }

    private func hold(_ result: inout ConnectionsResult) throws(PerfError) {
        progress.show("holding \(Quantity.grouped(count)) connections")
        let before = ProcessorTime(processes: processes)
        let start = MonotonicClock.nanoseconds
        if Interruption.sleep(nanoseconds: UInt64(holdSeconds * 1e9)) {
            throw PerfError(.interrupted, "interrupted")
        }
        let elapsed = Double(MonotonicClock.nanoseconds - start) / 1e9
        result.holdUse = ProcessorUse(
            from: before, to: ProcessorTime(processes: processes), elapsedSeconds: elapsed)
        result.residentHeldKibibytes = ProcessorTime.residentKibibytes(of: processes)
    }

    /// Runs the body on all threads and waits for them, watching for Ctrl-C and the end of the time.
    private func onThreads(
        watching shared: Shared? = nil, _ body: @escaping @Sendable (Int) -> Void
    ) throws(PerfError) {
        let done = Done(concurrency)
        var threads: [SystemThread] = []
        defer { for thread in threads { thread.join() } }
        for index in 0..<concurrency {
            threads.append(
                try SystemThread {
                    body(index)
                    done.left.wrappingSubtract(1, ordering: .releasing)
                })
        }
        guard let shared else { return }
        while done.left.load(ordering: .acquiring) > 0 {
            let isInterrupted = Interruption.sleep(nanoseconds: 2_000_000)
            if isInterrupted || deadline.isOver {
                shared.isStopped.store(true, ordering: .relaxed)
                throw isInterrupted
                    ? PerfError(.interrupted, "interrupted")
                    : PerfError(.timeout, "not all connections were opened within --timeout")
            }
            progress.showOpened(shared.opened.load(ordering: .relaxed), of: count)
        }
    }

    private final class Done: Sendable {
        let left: Atomic<Int>
        init(_ count: Int) { left = Atomic(count) }
    }

    private func raiseFileLimit() throws(PerfError) {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let wanted = rlim_t(count + 64)
        if limit.rlim_cur >= wanted { return }
        guard limit.rlim_max >= wanted else {
            throw .usage(
                "--count \(count) needs more open files than the \(limit.rlim_max) that `ulimit -Hn` allows",
                example: "connections --count \(max(1, Int(min(limit.rlim_max, 10_000)) - 64))")
        }
        limit.rlim_cur = wanted
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
