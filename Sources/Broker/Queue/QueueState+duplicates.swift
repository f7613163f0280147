import AMQPWire

// `x-message-deduplication`: of messages with the same header the queue has one at a time, from its arrival until it is
// settled. Source: the plugin rabbitmq-message-deduplication.
extension QueueState {
    private static func key(_ message: Message) -> [UInt8]? {
        var reader = WireReader(message.properties)
        guard let properties = try? BasicProperties(from: &reader),
            let value = properties.headers?["x-deduplication-header"]
        else { return nil }
        return Array(value.erlangText.utf8)
    }

    /// Returns false when the queue has such a message already.
    func addDuplicate(_ message: Message, place: UInt64) -> Bool {
        guard let extras, let key = Self.key(message) else { return true }
        if extras.pointee.duplicates[key] != nil { return false }
        extras.pointee.duplicates[key] = place
        return true
    }

    func removeDuplicate(_ message: Message) {
        if let extras, let key = Self.key(message) { extras.pointee.duplicates[key] = nil }
    }

    /// For messages that are not in memory and never will be again.
    func removeDuplicates(at places: Set<UInt64>) {
        guard let extras, !places.isEmpty else { return }
        extras.pointee.duplicates = extras.pointee.duplicates.filter { !places.contains($0.value) }
    }
}
