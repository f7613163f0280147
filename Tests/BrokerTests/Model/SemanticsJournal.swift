import Broker
import Journal

/// The journal of one process, from what the last one left, as the records that a file would hold.
final class SemanticsJournal {
    let driven: DrivenJournal
    let disk = DrivenDisk()
    /// What was there at the start.
    let recovered: NaiveJournal
    private(set) var log: [LaneRecord]
    private var taken: [[LaneRecord]]
    private var contents: [UInt64: [UInt8]]

    init(shardCount: Int, log: [LaneRecord] = []) {
        driven = DrivenJournal(shardCount: shardCount, pace: .onDemand)
        recovered = NaiveJournal(log)
        self.log = log
        taken = Array(repeating: [], count: shardCount + 1)
        contents = recovered.messages.mapValues(\.content)
        driven.onTake = { [unowned self] lane, records in
            taken[lane] += records
            for record in records { note(record) }
        }
        disk.journaled = { [unowned self] in contents[$0] }
    }

    private func note(_ record: LaneRecord) {
        switch record {
        case .message(let id, _, let content), .replacement(let id, _, let content, _, _): contents[id] = content
        default: break
        }
    }

    /// Everything is written: the state first, since what is published refers to it.
    func flush() {
        for lane in [taken.count - 1] + Array(0..<taken.count - 1) {
            log += taken[lane]
            taken[lane] = []
        }
    }
}
