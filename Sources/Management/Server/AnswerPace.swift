import Node
import Synchronization

/// Long lists yield to messaging. While a shard is busy they are made, all together, with a small part of a core's
/// time, so one of very many queues takes seconds then; otherwise as fast as can be.
///
/// Priorities of threads do not do that: they count only where cores are scarce, then the list starves, and who waits
/// for a lock that it holds waits as long.
final class AnswerPace: Sendable {
    /// How much of a core a shard uses that is busy.
    private static let busyShare = 0.25

    private let administration: Administration
    private let budget = Mutex(AnswerBudget())

    init(_ administration: Administration) { self.administration = administration }

    /// Between two pieces of a list, on the thread that makes them.
    func yield() async throws {
        let isBusy = administration.busiestShard >= Self.busyShare
        let share = isBusy ? AnswerBudget.shareOfShard * Double(administration.shardCount) : 1
        let (used, now) = (Clock.threadNanoseconds, Clock.monotonicNanoseconds)
        let nanoseconds = budget.withLock { $0.wait(usedNanoseconds: used, at: now, share: share) }
        if nanoseconds > 0 { try await Task.sleep(nanoseconds: nanoseconds) }
    }
}

/// How much of a thread's time is used up, and when there will be more.
struct AnswerBudget {
    /// Of a core, for each shard. The shards' own part of a list is a quarter of that.
    static let shareOfShard = 0.04
    /// Many shorter ones would cost as much as what they are between.
    private static let leastWaitNanoseconds = 20e6

    private var used: UInt64?
    private var time: UInt64 = 0
    /// Beyond the share.
    private var excess = 0.0

    /// - Parameters:
    ///   - usedNanoseconds: what the thread has used in all.
    ///   - share: of a core, that it may use; 1 is no limit.
    /// - Returns: how long to wait.
    mutating func wait(usedNanoseconds: UInt64, at now: UInt64, share: Double) -> UInt64 {
        defer { (used, time) = (usedNanoseconds, now) }
        guard let used, share < 1 else {
            excess = 0
            return 0
        }
        excess = max(0, excess + Double(usedNanoseconds &- used) - Double(now &- time) * share)
        let wait = excess / share
        return wait < Self.leastWaitNanoseconds ? 0 : UInt64(wait)
    }
}
