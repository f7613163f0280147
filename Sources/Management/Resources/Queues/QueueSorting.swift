import AMQPWire
import Broker
import Node
import Routing

// Queues are sorted by what their shards know of them: a hundred thousand objects for a page of a hundred would take a
// quarter of a second.
extension QueueSource {
    func sortValues(of queues: [QueueReference], by column: SortColumn) async -> SortValues {
        switch column.name {
        case "name": return virtualHosts.count == 1 ? .equal : .names
        // The list is in this order, and of one node.
        case "vhost", "node": return .equal
        case "policy": return .numbers(Self.ranks(of: await policies(of: queues, areOperators: false)))
        case "operator_policy": return .numbers(Self.ranks(of: await policies(of: queues, areOperators: true)))
        default: break
        }
        guard let values = Self.columns[column.name] else { return .unknown }
        guard isShown(column) else { return .equal }
        let found = await request.administration.queueValues(of: values)
        return .numbers(queues.map { Self.value(of: $0, in: found) ?? 0 })
    }

    private func policies(of queues: [QueueReference], areOperators: Bool) async -> [ShortString?] {
        let found = await request.administration.queuePolicies(areOperators: areOperators)
        return queues.map { Self.value(of: $0, in: found) ?? nil }
    }

    /// nil for what came after its shard was read.
    private static func value<Value>(of queue: QueueReference, in found: [[Value]]) -> Value? {
        let ofShard = found[queue.address.shard]
        return Int(queue.address.slot) < ofShard.count ? ofShard[Int(queue.address.slot)] : nil
    }

    /// Names in their order, as numbers; none comes before all.
    private static func ranks(of names: [ShortString?]) -> [Double] {
        let sorted = Set(names.compactMap { $0 }).sorted()
        let ranks = Dictionary(uniqueKeysWithValues: zip(sorted, 1...))
        return names.map { $0.flatMap { ranks[$0] }.map { Double($0) } ?? 0 }
    }

    /// What is not shown is not sorted by.
    private func isShown(_ column: SortColumn) -> Bool {
        switch (column.field, extent) {
        case ("type", _), ("state", _), (_, .everything):
            column.field != "message_stats" || request.context.tellsRates
        case ("messages", .totals), ("messages_ready", .totals), ("messages_unacknowledged", .totals): true
        default: false
        }
    }

    private static let columns: [String: QueueColumn] = {
        var columns: [String: QueueColumn] = [
            "type": .type, "state": .state, "idle_since": .idleSince, "head_message_timestamp": .headTimestamp,
            "messages_details.rate": .lengthRate { $0.messages },
            "messages_ready_details.rate": .lengthRate { $0.ready },
            "messages_unacknowledged_details.rate": .lengthRate { $0.unacked },
            "consumer_capacity": .figure { $0.consumerCapacity },
            "consumer_utilisation": .figure { $0.consumerCapacity },
        ]
        for (name, value) in QueueObject.totals + QueueObject.contents + [QueueObject.consumers] {
            columns["\(name)"] = .figure { Double(value($0)) }
        }
        for field in MessageStats.fields where field.isOfQueues {
            columns["message_stats.\(field.name)"] = .counter(field.count)
            columns["message_stats.\(field.detailsName).rate"] = .rate(field.rate)
        }
        return columns
    }()
}
