import AMQPWire

@testable import Routing

extension ShortString {
    /// For names that tests make up; they are short enough.
    init(made text: String) {
        self.init(bytes: [UInt8](text.utf8))
    }
}

/// The entries of a field table as they lie on the wire, without the length in front.
func wireEntries(_ table: FieldTable?) -> [UInt8] {
    guard let table else { return [] }
    var buffer = OutboundBuffer()
    defer { buffer.deallocate() }
    buffer.write(table)
    return [UInt8](buffer.bytes.dropFirst(4))
}

extension RoutingTable {
    /// Routes one message into an empty buffer.
    func routed(_ id: ExchangeID, _ key: ShortString = "", headers: FieldTable? = nil) -> [QueueAddress] {
        routed(id, key, headerBytes: wireEntries(headers))
    }

    func routed(_ id: ExchangeID, _ key: ShortString = "", headerBytes: [UInt8]) -> [QueueAddress] {
        var result = RouteBuffer()
        defer { result.deallocate() }
        route(id, key, headerBytes, into: &result)
        return result.queues
    }

    func route(_ id: ExchangeID, _ key: ShortString, _ headerBytes: [UInt8] = [], into result: inout RouteBuffer) {
        key.bytes.withUnsafeBytes { keyBytes in
            headerBytes.withUnsafeBytes { headers in
                var message = RoutedMessage(routingKey: keyBytes)
                message.headers = headers
                route(id, message, into: &result)
            }
        }
    }

    func routed(_ id: ExchangeID, _ key: ShortString, copies: [ShortString]) -> [QueueAddress] {
        routed(id, key) { $0.copies = copies }
    }

    /// Routes a message with something that is not empty.
    func routed(_ id: ExchangeID, _ key: ShortString, _ fill: (inout RoutedMessage) -> Void) -> [QueueAddress] {
        var result = RouteBuffer()
        defer { result.deallocate() }
        key.bytes.withUnsafeBytes { keyBytes in
            var message = RoutedMessage(routingKey: keyBytes)
            fill(&message)
            route(id, message, into: &result)
        }
        return result.queues
    }

    func exchange(_ name: ShortString) -> ExchangeID? { name.bytes.withUnsafeBytes { exchange(named: $0) } }
    func queue(_ name: ShortString) -> QueueAddress? { name.bytes.withUnsafeBytes { queue(named: $0) } }

    /// Adds a queue named after its slot.
    @discardableResult
    func addQueue(_ slot: Int) -> QueueAddress {
        let address = QueueAddress(shard: slot % 4, slot: UInt32(slot), generation: 1)
        addQueue(address, name: ShortString(made: "q\(slot)"))
        return address
    }

    func removeQueue(_ slot: Int) {
        let address = QueueAddress(shard: slot % 4, slot: UInt32(slot), generation: 1)
        removeQueue(address, name: ShortString(made: "q\(slot)"))
    }

    @discardableResult
    func addExchange(
        _ number: UInt32, _ kind: ExchangeKind, hashSource: HashSource = .routingKey
    ) -> ExchangeID {
        let id = ExchangeID(value: number)
        addExchange(id, name: ShortString(made: "x\(number)"), kind: kind, hashSource: hashSource)
        return id
    }

    @discardableResult
    func bind(
        _ source: ExchangeID, to queue: QueueAddress, _ key: ShortString = "", _ arguments: FieldTable = [:]
    ) -> Bool {
        add(Binding(source: source, destination: .queue(queue), routingKey: key, arguments: arguments))
    }

    @discardableResult
    func unbind(
        _ source: ExchangeID, from queue: QueueAddress, _ key: ShortString = "", _ arguments: FieldTable = [:]
    ) -> Bool {
        remove(Binding(source: source, destination: .queue(queue), routingKey: key, arguments: arguments))
    }

    @discardableResult
    func bind(_ source: ExchangeID, to exchange: ExchangeID, _ key: ShortString = "") -> Bool {
        add(Binding(source: source, destination: .exchange(exchange), routingKey: key))
    }

    @discardableResult
    func unbind(_ source: ExchangeID, from exchange: ExchangeID, _ key: ShortString = "") -> Bool {
        remove(Binding(source: source, destination: .exchange(exchange), routingKey: key))
    }
}

extension RouteBuffer {
    var queues: [QueueAddress] { (0..<count).map { self[$0] } }
}
