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

    /// With a new key of the queue's the copies do not count. RabbitMQ tells of CC in x-death, not of BCC.
    @Test(arguments: [false, true])
    func aDeadLetterIsRoutedByItsHiddenCopiesToo(hasNewKey: Bool) {
        converse(shards: 2) { broker in
            let client = broker.connect()
            var arguments: FieldTable = ["x-dead-letter-exchange": .string("amq.direct")]
            if hasNewKey { arguments["x-dead-letter-routing-key"] = .string("new") }
            client.declare(QueueDeclare(queue: "q", arguments: arguments))
            let keeper = broker.connect(shard: 1)
            for queue in ["copy", "blind", "new"] as [ShortString] {
                keeper.declare(QueueDeclare(queue: queue))
                keeper.request(QueueBind(queue: queue, exchange: "amq.direct", routingKey: queue), QueueBindOk())
            }
            client.publish(
                "body", routingKey: "q", properties: properties(["CC": array("copy"), "BCC": array("blind")]))
            client.get(expecting: "body", tag: 1)
            for queue in ["copy", "blind"] as [ShortString] {
                let got = keeper.get(
                    queue, expecting: "body", tag: queue == "copy" ? 1 : 2, routingKey: "q", noAck: true)
                #expect(got == properties(["CC": array("copy")]))
            }
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            let targets: [ShortString] = hasNewKey ? ["new"] : ["copy", "blind"]
            for (index, queue) in targets.enumerated() {
                let got = keeper.get(
                    queue, expecting: "body", tag: UInt64(3 + index), exchange: "amq.direct",
                    routingKey: hasNewKey ? "new" : "q", noAck: true)
                #expect(got.headers?["BCC"] == nil)
                guard case .array(let deaths)? = got.headers?["x-death"], case .table(let death)? = deaths.first else {
                    Issue.record("no x-death")
                    return
                }
                #expect(death["routing-keys"] == array("q", "copy"))
            }
            for queue in ["copy", "blind", "new"] as [ShortString] {
                keeper.request(BasicGet(queue: queue), BasicGetEmpty())
            }
        }
    }

    /// Delivered to a consumer here and elsewhere, returned, and delivered again.
    @Test func nobodySeesBlindCarbonCopies() {
        converse(shards: 2) { broker in
            let client = broker.connect()
            let other = broker.connect(shard: 1)
            client.declare(QueueDeclare(queue: "a"))
            client.declare(QueueDeclare(queue: "b"))
            client.consume(BasicConsume(queue: "a", consumerTag: "c"))
            other.consume(BasicConsume(queue: "b", consumerTag: "c"))
            let headers = properties(["BCC": array("b"), "x": .int32(1)])
            let seen = properties(["x": .int32(1)])
            client.publish("body", routingKey: "a", properties: headers)
            #expect(client.expectDeliver("body", tag: 1, routingKey: "a") == seen)
            #expect(other.expectDeliver("body", tag: 1, routingKey: "a") == seen)
            other.send(BasicReject(deliveryTag: 1, requeue: true))
            #expect(other.expectDeliver("body", tag: 2, redelivered: true, routingKey: "a") == seen)
            client.publish(
                "back", routingKey: "none", mandatory: true, properties: properties(["BCC": array("nobody")]))
            let returned = client.expectContent(
                BasicReturn(replyCode: 312, replyText: "NO_ROUTE", exchange: "", routingKey: "none"),
                body: Array("back".utf8))
            #expect(returned == properties([:]))
        }
    }

    @Test func blindCarbonCopiesStayHiddenAfterARestart() {
        let node = KilledBroker()
        node.live { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", durable: true))
            client.request(ConfirmSelect(), ConfirmSelectOk())
            var headers = properties(["BCC": array("nobody")])
            headers.deliveryMode = 2
            client.publish("body", routingKey: "q", properties: headers)
            client.expect(BasicAck(deliveryTag: 1))
        }
        node.live { broker in
            let client = broker.connect()
            let got = client.get(expecting: "body", tag: 1, noAck: true)
            #expect(got.headers == FieldTable())
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
