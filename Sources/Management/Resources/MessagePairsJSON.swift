import JSON
import AMQPWire
import Broker

/// `incoming`, `outgoing`, `publishes`, `deliveries`: what was done with messages between two objects. Lists without
/// items where pairs are not counted (`management.rates_mode`).
enum MessagePairsJSON {
    static func list(_ items: [NamedActivity], _ kind: String, virtualHost: ShortString) -> JSONValue {
        .array(
            items.map { item in
                let named: JSONValue = ["name": .text(item.name), "vhost": .text(virtualHost)]
                return .object(["stats": .object(stats(item.activity)), kind: named])
            })
    }

    static func list(_ items: [ChannelActivity], nodeName: String) -> JSONValue {
        .array(
            items.map { item in
                [
                    "stats": .object(stats(item.activity)),
                    "channel_details": channelDetails(
                        item.connection, number: item.channelNumber, nodeName: nodeName),
                ]
            })
    }

    /// What was counted of it.
    private static func stats(_ activity: MessageActivity) -> JSONObject {
        let (counters, rates) = (activity.counters, activity.rates)
        var object = JSONObject()
        func add(_ name: String, _ count: UInt64, _ rate: Double) {
            guard count > 0 else { return }
            object.append(name, .number(count))
            object.append("\(name)_details", ["rate": .double(rate)])
        }
        add("publish", counters.publish, rates.publish)
        add("ack", counters.ack, rates.ack)
        add("deliver", counters.deliver, rates.deliver)
        add("deliver_get", counters.deliverGet, rates.deliverGet)
        add("deliver_no_ack", counters.deliverNoAck, rates.deliverNoAck)
        add("get", counters.get, rates.get)
        add("get_no_ack", counters.getNoAck, rates.getNoAck)
        add("redeliver", counters.redeliver, rates.redeliver)
        return object
    }
}
