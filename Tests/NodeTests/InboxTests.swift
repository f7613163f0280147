import Dispatch
import Testing

@testable import Broker
@testable import Node

/// Batches between threads.
struct InboxTests {
    @Test func firstBatchWakesAndTheNextDoNot() {
        let inbox = Inbox()
        #expect(inbox.push(MailboxBatch(source: 0)))
        #expect(!inbox.push(MailboxBatch(source: 0)))
        #expect(inbox.takeAll().count == 2)
        #expect(inbox.takeAll().isEmpty)
        #expect(inbox.push(MailboxBatch(source: 0)))
        _ = inbox.takeAll()
    }

    @Test func batchesOfEachProducerStayInOrder() {
        let inbox = Inbox()
        let producers = 4
        let count = 5_000
        let group = DispatchGroup()
        for producer in 0..<producers {
            DispatchQueue.global().async(group: group) {
                for number in 0..<count {
                    let batch = MailboxBatch(source: producer)
                    batch.transitByteCount = number
                    _ = inbox.push(batch)
                }
            }
        }
        var next = Array(repeating: 0, count: producers)
        while next.contains(where: { $0 < count }) {
            for batch in inbox.takeAll() {
                #expect(batch.transitByteCount == next[batch.source])
                next[batch.source] += 1
            }
        }
        group.wait()
        #expect(inbox.takeAll().isEmpty)
    }
}
