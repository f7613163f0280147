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
        default: break
        }
        guard let values = Self.columns[column.name] else { return .unknown }
        guard isShown(column) else { return .equal }
        let found = await request.administration.queueValues(of: values)
        return .numbers(
            queues.map { queue in
                let ofShard = found[queue.address.shard]
                // What came after the shard was read is not among them.
                return Int(queue.address.slot) < ofShard.count ? ofShard[Int(queue.address.slot)] : 0
            })
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
