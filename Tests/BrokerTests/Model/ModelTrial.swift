import AMQPWire

/// The model and what was seen do not agree.
struct ModelMismatch: Error, CustomStringConvertible {
    let description: String
}

struct ObservedDelivery: Equatable, CustomStringConvertible {
    /// nil: the answer to basic.get.
    let consumer: String?
    let tag: UInt64
    let isRedelivered: Bool
    let exchange: String
    let routingKey: String
    let body: String
    let properties: BasicProperties
    /// With basic.get.
    let messageCount: Int

    var description: String {
        let content = readable(Content(properties: properties, body: Array(body.utf8)))
        let again = isRedelivered ? " again" : ""
        return "\(tag) to \(consumer ?? "get") by '\(exchange)' '\(routingKey)'\(again), \(content)"
    }
}

/// What was seen of one step.
struct Observations {
    struct Counts: Equatable {
        let ready: Int
        let unacked: Int
        let consumers: Int
    }

    /// By client.
    var deliveries: [Int: [ObservedDelivery]] = [:]
    /// Publish numbers, and whether they were confirmed or rejected.
    var confirms: [Int: [UInt64: Bool]] = [:]
    var returns: [Int: [String]] = [:]
    /// Consumers that the broker has cancelled.
    var cancelled: [Int: Set<String>] = [:]
    var replies: [Int: [String]] = [:]
    /// The queues that there are afterwards, and on which shard.
    var queues: [String: Counts] = [:]
    var shards: [String: Int] = [:]
}

/// One way in which a step may have gone, where the broker is free: decisions are tried out one after the other.
final class ModelTrial {
    let observed: Observations
    private var path: [Int]
    private var widths: [Int] = []
    /// What is left, the next one last.
    private var deliveries: [Stream: [ObservedDelivery]] = [:]

    /// The deliveries to one consumer come in order. Those of different queues to one client do as they like.
    private struct Stream: Hashable {
        let client: Int
        let consumer: String?
    }

    init(_ observed: Observations, path: [Int]) {
        self.observed = observed
        self.path = path
        for (client, all) in observed.deliveries {
            for delivery in all.reversed() {
                deliveries[Stream(client: client, consumer: delivery.consumer), default: []].append(delivery)
            }
        }
    }

    /// One of so many.
    func choose(_ count: Int) -> Int {
        guard count > 1 else { return 0 }
        if widths.count == path.count { path.append(0) }
        widths.append(count)
        return path[widths.count - 1]
    }

    /// The decisions to try next; nil when this was the last way.
    var nextPath: [Int]? {
        var next = Array(path.prefix(widths.count))
        while let last = next.popLast() {
            if last + 1 < widths[next.count] { return next + [last + 1] }
        }
        return nil
    }

    // MARK: What clients saw

    /// - Parameter consumer: nil for basic.get.
    func nextDelivery(_ client: Int, _ consumer: String?) -> ObservedDelivery? {
        deliveries[Stream(client: client, consumer: consumer)]?.last
    }

    func takeDelivery(_ client: Int, _ consumer: String?) {
        _ = deliveries[Stream(client: client, consumer: consumer)]?.popLast()
    }

    func expectNoMore() throws(ModelMismatch) {
        for (stream, left) in deliveries {
            guard let delivery = left.last else { continue }
            throw ModelMismatch(description: "client \(stream.client) got \(delivery), which the model does not send")
        }
    }
}
