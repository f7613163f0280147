import AMQPWire
import Broker
import Testing

/// Sender-selected distribution: `CC` and `BCC` headers are further routing keys.
@Suite struct CarbonCopyTests {
    private func properties(_ headers: FieldTable) -> BasicProperties {
        var properties = BasicProperties()
        properties.headers = headers
        properties.messageID = "m"
        return properties
    }

    private func array(_ keys: String...) -> FieldValue { .array(keys.map { .string($0) }) }

    @Test func carbonCopyAndBlindCarbonCopyHeaders() {
        converse(shards: 2) { broker in
            let client = broker.connect()
            let owner = broker.connect(shard: 1)
            for queue in ["a", "b", "c", "d"] as [ShortString] { owner.declare(QueueDeclare(queue: queue)) }
            let headers: FieldTable = ["BCC": array("c", "a"), "CC": array("b", "b"), "other": .bool(true)]
            client.publish("body", routingKey: "a", properties: properties(headers))
            for (index, queue) in (["a", "b", "c"] as [ShortString]).enumerated() {
                let got = owner.get(
                    queue, expecting: "body", tag: UInt64(index + 1), routingKey: "a", noAck: true)
                #expect(got == properties(["CC": array("b", "b"), "other": .bool(true)]))
            }
            for queue in ["a", "b", "c", "d"] as [ShortString] {
                owner.request(BasicGet(queue: queue), BasicGetEmpty())
            }
        }
    }

    /// What a channel remembers of its last route is for messages without copies.
    @Test func copiesAreOfOneMessage() {
        converse { broker in
            let client = broker.connect()
            client.request(ConfirmSelect(), ConfirmSelectOk())
            for queue in ["a", "b"] as [ShortString] { client.declare(QueueDeclare(queue: queue)) }
            client.publish("1", routingKey: "a")
            client.publish("2", routingKey: "a", properties: properties(["CC": array("b")]))
            client.publish("3", routingKey: "a")
            client.publish("4", routingKey: "none", mandatory: true, properties: properties(["BCC": array("b")]))
            client.publish("5", routingKey: "none", mandatory: true)
            for tag in 1...4 as ClosedRange<UInt64> { client.expect(BasicAck(deliveryTag: tag)) }
            client.expectReturn("5", routingKey: "none")
            client.expect(BasicAck(deliveryTag: 5))
            client.get("a", expecting: "1", tag: 1, messageCount: 2, noAck: true)
            client.get("a", expecting: "2", tag: 2, messageCount: 1, noAck: true)
            client.get("a", expecting: "3", tag: 3, noAck: true)
            client.get("b", expecting: "2", tag: 4, messageCount: 1, routingKey: "a", noAck: true)
            client.get("b", expecting: "4", tag: 5, routingKey: "none", noAck: true)
        }
    }

    @Test func copiesAreKeysForEveryExchangeOnTheWay() {
        converse { broker in
            let client = broker.connect()
            client.request(
                ExchangeBind(destination: "amq.direct", source: "amq.topic", routingKey: "#"), ExchangeBindOk())
            client.declare(QueueDeclare(queue: "q"))
            client.request(QueueBind(queue: "q", exchange: "amq.direct", routingKey: "copy"), QueueBindOk())
            client.publish(
                "body", exchange: "amq.topic", routingKey: "k", properties: properties(["CC": array("copy")]))
            client.get(expecting: "body", tag: 1, exchange: "amq.topic", routingKey: "k", noAck: true)
        }
    }

    /// RabbitMQ passes over what is no string in the array.
    @Test func whatIsNoKeyInTheArrayIsPassedOver() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            let long = FieldValue.longString(Array(repeating: 65, count: 300))
            let headers: FieldTable = ["CC": .array([.int32(1), long, .void, .string("q")])]
            client.publish("body", routingKey: "none", properties: properties(headers))
            #expect(client.get(expecting: "body", tag: 1, routingKey: "none", noAck: true) == properties(headers))
        }
    }

    @Test(arguments: ["CC", "BCC"])
    func aHeaderThatIsNoArrayIsRefused(name: String) {
        converse { broker in
            let client = broker.connect()
            let headers = properties([ShortString(truncating: name): .string("q")])
            client.publish("body", routingKey: "q", properties: headers)
            client.expectChannelClose(
                406,
                "PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,\"\(name)\",longstr}",
                of: BasicPublish.self)
            // That the exchange is missing is found first.
            client.publish("body", exchange: "none", routingKey: "q", properties: headers)
            client.expectChannelClose(404, "NOT_FOUND - no exchange 'none' in vhost '/'", of: BasicPublish.self)
            client.publish("body", routingKey: "q", mandatory: true)
            client.expectReturn("body", routingKey: "q")
        }
    }

    /// Names and nesting near those that count.
    @Test func otherHeadersAreNoCopies() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            let headers: FieldTable = [
                "cc": array("q"), "DC": array("q"), "ACC": array("q"), "inner": .table(["CC": array("q")]),
            ]
            client.publish("body", routingKey: "none", mandatory: true, properties: properties(headers))
            client.expectReturn("body", routingKey: "none")
        }
    }

    @Test func aDeadLetterIsRoutedByItsCarbonCopies() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-dead-letter-exchange": .string("amq.direct")]))
            client.declare(QueueDeclare(queue: "dead"))
            client.request(QueueBind(queue: "dead", exchange: "amq.direct", routingKey: "copy"), QueueBindOk())
            client.publish("body", routingKey: "q", properties: properties(["CC": array("copy")]))
            client.get(expecting: "body", tag: 1)
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            client.get("dead", expecting: "body", tag: 2, exchange: "amq.direct", routingKey: "q", noAck: true)
        }
    }
}
