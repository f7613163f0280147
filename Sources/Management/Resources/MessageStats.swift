import Broker

/// `message_stats`: what was done with messages, each count with its rate.
enum MessageStats {
    /// Whose they are: some counts do not belong to everything.
    enum Subject { case queue, channel, virtualHost }

    static func object(_ counters: MessageCounters, _ subject: Subject) -> JSONObject {
        var object = JSONObject()
        func add(_ name: String, _ count: UInt64, _ rate: Double? = nil) {
            object.append(name, .number(count))
            if let rate { object.append("\(name)_details", ["rate": .double(rate)]) }
        }
        add("ack", counters.ack)
        if subject != .queue { add("confirm", counters.confirm) }
        add("deliver", counters.deliver)
        add("deliver_get", counters.deliverGet)
        add("deliver_no_ack", counters.deliverNoAck)
        if subject != .queue { add("drop_unroutable", counters.dropUnroutable) }
        add("get", counters.get)
        add("get_empty", counters.getEmpty)
        add("get_no_ack", counters.getNoAck)
        add("publish", counters.publish)
        add("redeliver", counters.redeliver)
        if subject != .queue { add("return_unroutable", counters.returnUnroutable) }
        return object
    }
}
