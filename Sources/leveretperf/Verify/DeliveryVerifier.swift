/// The part of `--verify` that belongs to one consuming connection: from which queue a delivery came, and whether
/// messages of one producer come in their order.
final class DeliveryVerifier {
    private let ledger: Ledger
    private let queueCount: Int
    private let producerCount: Int
    private var queue: Int?
    private var isRedelivered = false
    /// By queue and producer: the highest number so far.
    private var last: [Int: Int] = [:]

    init(_ ledger: Ledger, _ plan: LoadPlan) {
        self.ledger = ledger
        queueCount = plan.queues
        producerCount = plan.producers
    }

    /// Consumer tags are the numbers of the queues.
    static func consumerTag(queue: Int) -> String { "q\(queue)" }

    func begin(consumerTag: UnsafeRawPointer, count: Int, isRedelivered: Bool) {
        self.isRedelivered = isRedelivered
        queue = nil
        guard count > 1, count < 12, consumerTag.load(as: UInt8.self) == UInt8(ascii: "q") else { return }
        var number = 0
        for index in 1..<count {
            let digit = Int(consumerTag.load(fromByteOffset: index, as: UInt8.self)) - 48
            guard (0...9).contains(digit) else { return }
            number = number * 10 + digit
        }
        if number < queueCount { queue = number }
    }

    /// - Parameter stamp: nil for a body that is not what was published.
    func complete(_ stamp: Stamp?) {
        guard let queue else { return ledger.noteStranger() }
        ledger.receive(queue: queue, stamp, isRedelivered: isRedelivered)
        guard let stamp, stamp.producer < producerCount, !isRedelivered else { return }
        let key = queue * producerCount + stamp.producer
        if stamp.number < last[key] ?? -1 { ledger.noteReordered(queue: queue) } else { last[key] = stamp.number }
    }
}
