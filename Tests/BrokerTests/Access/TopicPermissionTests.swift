import AMQPWire
import Testing

@testable import Broker

/// Row "topic permissions": routing keys at exchanges of type topic, RabbitMQ's texts, and that a change holds at once.
@Suite struct TopicPermissionTests {
    private func set(
        _ broker: Conversation, write: String = ".*", read: String = ".*", exchange: ShortString = "amq.topic",
        user: ShortString = "guest"
    ) {
        broker.administer { controlPlane throws(AdministrationError) in
            try controlPlane.setTopicPermissions(
                TopicPermissions(write: write, read: read), user: user, virtualHost: "/", exchange: exchange)
        }
    }

    private func expectRefused(
        _ client: ConversationClient, _ permission: String, _ key: String, of method: any WireMethod.Type,
        user: String = "guest", exchange: String = "amq.topic", sourceLocation: SourceLocation = #_sourceLocation
    ) {
        client.expectChannelClose(
            403,
            "ACCESS_REFUSED - \(permission) access to topic '\(key)' in exchange '\(exchange)' in vhost '/' refused "
                + "for user '\(user)'", of: method, sourceLocation: sourceLocation)
    }

    @Test func onlyPermittedKeysArePublishedAndBound() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            set(broker, write: "^a\\.", read: "b$")
            client.request(QueueBind(queue: "q", exchange: "amq.topic", routingKey: "#.b"), QueueBindOk())
            client.publish("one", exchange: "amq.topic", routingKey: "a.b")
            client.publish("two", exchange: "amq.topic", routingKey: "a.b")
            client.publish("x", exchange: "amq.topic", routingKey: "b.b")
            expectRefused(client, "write", "b.b", of: BasicPublish.self)
            client.send(QueueBind(queue: "q", exchange: "amq.topic", routingKey: "#"))
            expectRefused(client, "read", "#", of: QueueBind.self)
            client.send(QueueUnbind(queue: "q", exchange: "amq.topic", routingKey: "#"))
            expectRefused(client, "read", "#", of: QueueUnbind.self)
            client.send(ExchangeBind(destination: "amq.fanout", source: "amq.topic", routingKey: "a"))
            expectRefused(client, "read", "a", of: ExchangeBind.self)
            // An empty pattern matches nothing, not even an empty key's neighbours.
            set(broker, write: "", read: "")
            client.publish("x", exchange: "amq.topic", routingKey: "a.b")
            expectRefused(client, "write", "a.b", of: BasicPublish.self)
            client.publish("three", exchange: "amq.topic", routingKey: "")
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 2))
        }
    }

    @Test func otherExchangesAndOtherTypesAreFree() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            let delayed = ExchangeDeclare(
                exchange: "later", type: "x-delayed-message", arguments: ["x-delayed-type": .string("topic")])
            client.request(delayed, ExchangeDeclareOk())
            client.request(ExchangeDeclare(exchange: "t", type: "topic"), ExchangeDeclareOk())
            for exchange in ["amq.direct", "amq.fanout", "later", "amq.topic"] as [ShortString] {
                set(broker, write: "", read: "", exchange: exchange)
            }
            for exchange in ["amq.direct", "amq.fanout", "later", "t"] as [ShortString] {
                client.request(QueueBind(queue: "q", exchange: exchange, routingKey: "k"), QueueBindOk())
                client.publish("one", exchange: exchange, routingKey: "k")
                client.get("q", expecting: "one", tag: 1, exchange: exchange, routingKey: "k", noAck: true)
                client.closeChannel()
                client.openChannel(1)
            }
            client.request(ExchangeDelete(exchange: "later"), ExchangeDeleteOk())
            client.request(ExchangeDelete(exchange: "t"), ExchangeDeleteOk())
        }
    }

    /// Also when the exchange is made again as what it was not.
    @Test func theTypeIsTheOneOfNow() {
        converse { broker in
            let client = broker.connect()
            set(broker, write: "", read: "", exchange: "e")
            for type in ["direct", "topic", "fanout"] as [ShortString] {
                client.request(ExchangeDeclare(exchange: "e", type: type), ExchangeDeclareOk())
                client.publish("x", exchange: "e", routingKey: "k")
                if type == "topic" {
                    expectRefused(client, "write", "k", of: BasicPublish.self, exchange: "e")
                }
                client.request(ExchangeDelete(exchange: "e"), ExchangeDeleteOk())
            }
        }
    }

    @Test(arguments: ["CC", "BCC"] as [ShortString])
    func copiesAreMeasuredToo(header: ShortString) {
        converse { broker in
            let client = broker.connect()
            set(broker, write: "^a")
            var properties = BasicProperties()
            properties.headers = [header: .array([.string("also"), .string("b")])]
            client.publish("x", exchange: "amq.topic", routingKey: "a", properties: properties)
            expectRefused(client, "write", "b", of: BasicPublish.self)
            properties.headers = [header: .array([.string("also")])]
            client.publish("x", exchange: "amq.topic", routingKey: "a", properties: properties)
            client.expectNothing()
            // RabbitMQ looks at the keys before the user's name.
            properties.userID = "somebody"
            client.publish("x", exchange: "amq.topic", routingKey: "b", properties: properties)
            expectRefused(client, "write", "b", of: BasicPublish.self)
            client.publish("x", exchange: "amq.topic", routingKey: "a", properties: properties)
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated user was 'guest'",
                of: BasicPublish.self)
        }
    }

    @Test(arguments: [0, 1])
    func aChangeHoldsAtOnce(shard: Int) {
        converse(shards: 2) { broker in
            let client = broker.connect(shard: shard)
            // The route is remembered, without topic permissions and with them.
            client.publish("x", exchange: "amq.topic", routingKey: "k")
            set(broker, write: "k")
            client.publish("x", exchange: "amq.topic", routingKey: "k")
            set(broker, write: "l")
            client.publish("x", exchange: "amq.topic", routingKey: "k")
            expectRefused(client, "write", "k", of: BasicPublish.self)
            broker.administer { controlPlane throws(AdministrationError) in
                try controlPlane.clearTopicPermissions(user: "guest", virtualHost: "/", exchange: "none")
            }
            client.publish("x", exchange: "amq.topic", routingKey: "k")
            expectRefused(client, "write", "k", of: BasicPublish.self)
            broker.administer { controlPlane throws(AdministrationError) in
                try controlPlane.clearTopicPermissions(user: "guest", virtualHost: "/")
            }
            client.publish("x", exchange: "amq.topic", routingKey: "k")
            client.expectNothing()
            #expect(broker.controlPlane.topicPermissions == [])
        }
    }

    /// The variables of a pattern are what they name, and nothing more.
    @Test func userAndVirtualHostStandInPatterns() {
        converse { broker in
            for user in ["ann", ".*"] {
                broker.addUser(user)
                set(broker, write: "^{username}\\.{vhost}", user: ShortString(truncating: user))
            }
            let ann = broker.connect(user: "ann")
            ann.publish("x", exchange: "amq.topic", routingKey: "ann./")
            ann.publish("x", exchange: "amq.topic", routingKey: "bob./")
            expectRefused(ann, "write", "bob./", of: BasicPublish.self, user: "ann")
            let greedy = broker.connect(user: ".*")
            greedy.publish("x", exchange: "amq.topic", routingKey: ".*./")
            greedy.publish("x", exchange: "amq.topic", routingKey: "ann./")
            expectRefused(greedy, "write", "ann./", of: BasicPublish.self, user: ".*")
        }
    }

    @Test func whatIsNoPatternIsRefused() throws {
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        func set(_ write: String, user: ShortString = "guest", virtualHost: ShortString = "/") throws {
            try controlPlane.setTopicPermissions(
                TopicPermissions(write: write, read: ""), user: user, virtualHost: virtualHost, exchange: "e")
        }
        #expect(throws: AdministrationError.self) { try set("(") }
        #expect(throws: AdministrationError.invalid("the pattern is longer than 1024 bytes")) {
            try set(String(repeating: "x", count: 1025))
        }
        #expect(throws: AdministrationError.notFound("user 'u' not found")) { try set("", user: "u") }
        #expect(throws: AdministrationError.notFound("vhost 'v' not found")) { try set("", virtualHost: "v") }
        #expect(throws: AdministrationError.notFound("user 'u' not found")) {
            try controlPlane.clearTopicPermissions(user: "u", virtualHost: "/")
        }
        #expect(controlPlane.topicPermissions == [])
    }
}
