import AMQPWire
import Broker
import JSON

/// The queues behind the numbers of holders. A number is never given to a second queue, so a queue that was deleted
/// keeps its name here.
struct QueueNames {
    private var names: [UInt32: JSONObject] = [:]

    mutating func add(_ queue: DurableQueue, virtualHost: ShortString) {
        var line = JSONObject()
        line.add("virtualHost", bytes: virtualHost.bytes)
        line.add("name", bytes: queue.name.bytes)
        names[queue.journalNumber] = line
    }

    /// An exchange that keeps messages.
    mutating func add(_ exchange: DurableExchange, virtualHost: ShortString) {
        var line = JSONObject()
        line.add("virtualHost", bytes: virtualHost.bytes)
        line.add("exchange", bytes: exchange.name.bytes)
        names[exchange.journalNumber] = line
    }

    mutating func add(_ step: TopologyStep) {
        switch step {
        case .queueDeclared(let host, let queue): add(queue, virtualHost: host)
        case .exchangeDeclared(let host, let exchange) where exchange.journalNumber != 0:
            add(exchange, virtualHost: host)
        default: break
        }
    }

    /// nil for a queue that is not known.
    subscript(holder: UInt32) -> JSONObject? { names[holder] }
}
