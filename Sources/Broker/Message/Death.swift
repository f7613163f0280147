import AMQPWire

/// Why a message left its queue without being consumed (RabbitMQ's words).
enum DeathReason: String {
    case rejected
    case expired
    case maxlen
    case deliveryLimit = "delivery_limit"
}

/// One death of a message, as the `x-death` header tells it.
///
/// `x-death` is an array with a table for each pair of queue and reason, the latest death first:
///
///     original-expiration longstr, if the message had one,
///     count long, reason longstr, queue longstr, time timestamp, exchange longstr, routing-keys array of longstr
///
/// Beside it stand `x-first-death-{reason,queue,exchange}`, set once, and `x-last-death-{reason,queue,exchange}`.
/// Source: RabbitMQ 4 `mc.erl`, `mc_amqpl.erl`.
struct Death {
    let queue: ShortString
    let reason: DeathReason
    let exchange: ShortString
    let routingKeys: [ShortString]
    /// Seconds since 1970.
    let time: UInt64
    let originalExpiration: ShortString?

    /// The headers with this death recorded.
    func record(in headers: FieldTable) -> FieldTable {
        var headers = headers
        var deaths: [FieldValue] = []
        if case .array(let earlier)? = headers["x-death"] { deaths = earlier }
        let index = deaths.firstIndex { value in
            guard case .table(let table) = value else { return false }
            return table["queue"] == .longString(queue.bytes) && table["reason"] == .string(reason.rawValue)
        }
        if let index, case .table(var table) = deaths.remove(at: index) {
            // The time stays that of the first death of this kind; only the count rises.
            table["count"] = .int64((table["count"]?.integer ?? 0) &+ 1)
            deaths.insert(.table(table), at: 0)
        } else {
            deaths.insert(.table(entry), at: 0)
        }
        headers["x-death"] = .array(deaths)
        if headers["x-first-death-reason"] == nil {
            headers["x-first-death-exchange"] = .longString(exchange.bytes)
            headers["x-first-death-queue"] = .longString(queue.bytes)
            headers["x-first-death-reason"] = .string(reason.rawValue)
        }
        headers["x-last-death-exchange"] = .longString(exchange.bytes)
        headers["x-last-death-queue"] = .longString(queue.bytes)
        headers["x-last-death-reason"] = .string(reason.rawValue)
        return headers
    }

    /// What a client says of deaths does not count.
    static func removeHeaders(from headers: inout FieldTable) {
        for name in [
            "x-death", "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason",
            "x-last-death-exchange", "x-last-death-queue", "x-last-death-reason",
        ] {
            headers[ShortString(truncating: name)] = nil
        }
    }

    /// Where and why a message died.
    struct Name {
        let queue: ShortString
        let reason: String
    }

    /// The deaths that headers tell of, the latest first.
    static func names(in headers: FieldTable) -> [Name] {
        guard case .array(let deaths)? = headers["x-death"] else { return [] }
        return deaths.compactMap { death in
            // Names are bytes: as text those that are no UTF-8 would not be found again.
            guard case .table(let table) = death, case .longString(let queue)? = table["queue"],
                queue.count <= ShortString.byteLimit, let reason = table["reason"]?.text
            else { return nil }
            return Name(queue: ShortString(bytes: queue), reason: reason)
        }
    }

    private var entry: FieldTable {
        var table: FieldTable = [
            "count": .int64(1),
            "reason": .string(reason.rawValue),
            "queue": .longString(queue.bytes),
            "time": .timestamp(time),
            "exchange": .longString(exchange.bytes),
            "routing-keys": .array(routingKeys.map { .longString($0.bytes) }),
        ]
        if let originalExpiration {
            let expiration = FieldValue.longString(originalExpiration.bytes)
            table.entries.insert(FieldTable.Entry(name: "original-expiration", value: expiration), at: 0)
        }
        return table
    }
}
