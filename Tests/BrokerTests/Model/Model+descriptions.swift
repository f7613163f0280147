import AMQPWire

// What a failed run tells, shortly.

extension ModelArguments: CustomStringConvertible {
    var description: String {
        let all = table.entries.map { entry in
            let value = entry.value.text ?? entry.value.integer.map { "\($0)" } ?? "\(entry.value)"
            return "\(entry.name): \(value)"
        }
        return "[\(all.joined(separator: ", "))]"
    }
}

extension ModelMessage: CustomStringConvertible {
    var description: String {
        var parts = ["'\(body)'"]
        if isPersistent { parts.append("persistent") }
        if let priority { parts.append("priority \(priority)") }
        if let expiration { parts.append("expiration \(expiration)") }
        if let deduplication { parts.append("deduplication \(deduplication)") }
        for death in deaths { parts.append("\(death.reason) \(death.count) times in \(death.queue)") }
        return parts.joined(separator: " ")
    }
}

extension ModelPublish: CustomStringConvertible {
    var description: String {
        "\(message) to '\(exchange)' '\(routingKey)'\(isMandatory ? " mandatory" : "")"
    }
}

extension ModelBinding: CustomStringConvertible {
    var description: String { "\(exchange) '\(routingKey)' to \(queue)" }
}

extension ModelConsumer: CustomStringConvertible {
    var description: String { "\(tag) priority \(priority)\(noAck ? " noAck" : " prefetch \(prefetchCount)")" }
}

extension ModelEntry: CustomStringConvertible {
    var description: String {
        "\(message) at \(place)\(isRedelivered == true ? " again" : "") failed \(failedDeliveries) times"
    }
}

extension ModelBroker: CustomStringConvertible {
    /// What there is.
    var description: String {
        let queues = queues.values.sorted { $0.name < $1.name }.map { queue in
            "queue \(queue.name) \(queue.declared), now \(queue.arguments): \(queue.entries), consumers "
                + "\(queue.consumers), active \(queue.active ?? "nobody")\(queue.isPaused ? ", paused" : "")"
        }
        let clients = clients.sorted { $0.key < $1.key }.map { client in
            "client \(client.key): " + client.value.unacked.map { "\($0.tag) of \($0.queue) \($0.entry)" }.description
        }
        return (queues + clients + ["bindings \(bindings.sorted { "\($0)" < "\($1)" })"]).joined(separator: "\n")
    }
}
