import AMQPWire
import Testing

@testable import Broker

/// Every method against users with and without each right: what it needs, in which order it is asked for, and
/// RabbitMQ's text for the first right that is missing.
@Suite struct PermissionMatrixTests {
    /// Rights of a user, as bits.
    struct Rights: OptionSet, CustomTestStringConvertible {
        let rawValue: Int
        static let configure = Rights(rawValue: 1)
        static let write = Rights(rawValue: 2)
        static let read = Rights(rawValue: 4)
        /// Of the routing keys of the topic exchange.
        static let writeTopic = Rights(rawValue: 8)
        static let readTopic = Rights(rawValue: 16)
        static let all = (0..<32).map { Rights(rawValue: $0) }

        var permissions: Permissions {
            func pattern(_ right: Rights) -> String { contains(right) ? ".*" : "" }
            return Permissions(configure: pattern(.configure), write: pattern(.write), read: pattern(.read))
        }

        var topicPermissions: TopicPermissions {
            TopicPermissions(
                write: contains(.writeTopic) ? "^key$" : "^other", read: contains(.readTopic) ? "^key$" : "^other")
        }

        var testDescription: String { String(rawValue, radix: 2) }
    }

    /// What a method is asked for: one right for one thing.
    struct Need: Sendable {
        let right: Rights
        let text: String

        init(_ right: Rights, _ permission: String, _ resource: String) {
            self.right = right
            text = "\(permission) access to \(resource)"
        }

        static func configure(_ resource: String) -> Need { Need(.configure, "configure", resource) }
        static func write(_ resource: String) -> Need { Need(.write, "write", resource) }
        static func read(_ resource: String) -> Need { Need(.read, "read", resource) }
        static let writeTopic = Need(.writeTopic, "write", "topic 'key' in exchange 'topics'")
        static let readTopic = Need(.readTopic, "read", "topic 'key' in exchange 'topics'")
    }

    struct Row: Sendable {
        let name: String
        var needs: [Need] = []
        /// Any of the three will do; the text is that of configure.
        var any: String?
        let ask: @Sendable (ConversationClient) -> Void

        init(
            _ name: String, _ needs: [Need] = [], any: String? = nil,
            _ ask: @escaping @Sendable (ConversationClient) -> Void
        ) {
            self.name = name
            self.needs = needs
            self.any = any
            self.ask = ask
        }

        /// The explanation of the 403; nil when the method is allowed.
        func refusal(_ rights: Rights) -> String? {
            if let any {
                return rights.isDisjoint(with: [.configure, .write, .read]) ? "configure access to \(any)" : nil
            }
            return needs.first { !rights.contains($0.right) }?.text
        }
    }

    static let rows: [Row] = [
        Row("exchange.declare", [.configure("exchange 'new'")]) {
            $0.send(ExchangeDeclare(exchange: "new", type: "direct"))
        },
        Row("exchange.declare of what is there", [.configure("exchange 'topics'")]) {
            $0.send(ExchangeDeclare(exchange: "topics", type: "topic"))
        },
        Row(
            "exchange.declare with an alternate",
            [.configure("exchange 'new'"), .read("exchange 'new'"), .write("exchange 'list'")]
        ) {
            $0.send(
                ExchangeDeclare(exchange: "new", type: "direct", arguments: ["alternate-exchange": .string("list")]))
        },
        Row("exchange.declare, passive", any: "exchange 'topics'") {
            $0.send(ExchangeDeclare(exchange: "topics", passive: true))
        },
        Row("exchange.delete", [.configure("exchange 'list'")]) { $0.send(ExchangeDelete(exchange: "list")) },
        Row("exchange.bind", [.write("exchange 'list'"), .read("exchange 'topics'"), .readTopic]) {
            $0.send(ExchangeBind(destination: "list", source: "topics", routingKey: "key"))
        },
        Row("exchange.unbind", [.write("exchange 'list'"), .read("exchange 'topics'"), .readTopic]) {
            $0.send(ExchangeUnbind(destination: "list", source: "topics", routingKey: "key"))
        },
        Row("queue.declare", [.configure("queue 'new'")]) { $0.send(QueueDeclare(queue: "new")) },
        Row("queue.declare of what is there", [.configure("queue 'q'")]) { $0.send(QueueDeclare(queue: "q")) },
        Row(
            "queue.declare with a dead-letter exchange",
            [.configure("queue 'new'"), .read("queue 'new'"), .write("exchange 'list'")]
        ) { $0.send(QueueDeclare(queue: "new", arguments: ["x-dead-letter-exchange": .string("list")])) },
        Row("queue.declare, passive", any: "queue 'q'") { $0.send(QueueDeclare(queue: "q", passive: true)) },
        Row("queue.bind", [.write("queue 'q'"), .read("exchange 'list'")]) {
            $0.send(QueueBind(queue: "q", exchange: "list"))
        },
        Row("queue.bind by a topic", [.write("queue 'q'"), .read("exchange 'topics'"), .readTopic]) {
            $0.send(QueueBind(queue: "q", exchange: "topics", routingKey: "key"))
        },
        Row("queue.unbind", [.write("queue 'q'"), .read("exchange 'topics'"), .readTopic]) {
            $0.send(QueueUnbind(queue: "q", exchange: "topics", routingKey: "key"))
        },
        Row("queue.purge", [.read("queue 'q'")]) { $0.send(QueuePurge(queue: "q")) },
        Row("queue.delete", [.configure("queue 'q'")]) { $0.send(QueueDelete(queue: "q")) },
        Row("basic.publish", [.write("exchange 'list'")]) { $0.publish("x", exchange: "list", routingKey: "k") },
        Row("basic.publish to the default exchange", [.write("exchange 'amq.default'")]) {
            $0.publish("x", routingKey: "q")
        },
        Row("basic.publish to a topic", [.write("exchange 'topics'"), .writeTopic]) {
            $0.publish("x", exchange: "topics", routingKey: "key")
        },
        Row("basic.publish in a transaction", [.write("exchange 'topics'"), .writeTopic]) {
            $0.send(TxSelect())
            $0.publish("x", exchange: "topics", routingKey: "key")
        },
        Row("basic.get", [.read("queue 'q'")]) { $0.send(BasicGet(queue: "q")) },
        Row("basic.consume", [.read("queue 'q'")]) { $0.send(BasicConsume(queue: "q")) },
        Row("basic.consume of replies") { $0.send(BasicConsume(queue: "amq.rabbitmq.reply-to", noAck: true)) },
        Row("basic.cancel") { $0.send(BasicCancel(consumerTag: "none")) },
        Row("basic.qos") { $0.send(BasicQos(prefetchCount: 1)) },
        Row("basic.recover") { $0.send(BasicRecover(requeue: true)) },
        Row("basic.ack") { $0.send(BasicAck(deliveryTag: 0, multiple: true)) },
        Row("basic.nack") { $0.send(BasicNack(deliveryTag: 0, multiple: true)) },
        Row("confirm.select") { $0.send(ConfirmSelect()) },
        Row("tx.select, commit, rollback") {
            $0.send(TxSelect())
            $0.send(TxCommit())
            $0.send(TxRollback())
        },
        Row("access.request") { $0.send(AccessRequest()) },
        Row("channel.flow") { $0.send(ChannelFlow(active: true)) },
    ]

    @Test(arguments: Rights.all)
    func everyMethodTakesWhatItNeeds(rights: Rights) {
        for row in Self.rows {
            converse { broker in
                broker.addUser("u", permissions: rights.permissions)
                broker.administer { controlPlane throws(AdministrationError) in
                    try controlPlane.setTopicPermissions(
                        rights.topicPermissions, user: "u", virtualHost: "/", exchange: "topics")
                }
                let owner = broker.connect()
                owner.declare(QueueDeclare(queue: "q"))
                owner.request(ExchangeDeclare(exchange: "topics", type: "topic"), ExchangeDeclareOk())
                owner.request(ExchangeDeclare(exchange: "list", type: "fanout"), ExchangeDeclareOk())
                let client = broker.connect(user: "u")
                row.ask(client)
                // What has no answer is answered with this.
                client.send(ChannelFlow(active: true))
                var close: ChannelClose?
                for case .method(.channelClose(let found), _, _) in client.takeAll() { close = found }
                #expect(close?.replyCode == (row.refusal(rights) == nil ? nil : 403), "\(row.name)")
                let text = row.refusal(rights).map { "ACCESS_REFUSED - \($0) in vhost '/' refused for user 'u'" }
                #expect(close?.replyText.description == text, "\(row.name)")
                owner.request(ExchangeDelete(exchange: "topics"), ExchangeDeleteOk())
                owner.request(ExchangeDelete(exchange: "list"), ExchangeDeleteOk())
            }
        }
    }

    /// A virtual host is opened by those who have any permission there, whatever it is.
    @Test(arguments: [false, true])
    func connectionOpenTakesAnyPermissions(hasPermissions: Bool) {
        converse { broker in
            broker.addUser(
                "u", permissions: hasPermissions ? Permissions(configure: "", write: "", read: "") : nil)
            let client = broker.accept()
            client.logIn(user: "u")
            client.send(ConnectionTuneOk(channelMax: 1, frameMax: 4096), channel: 0)
            client.send(ConnectionOpen(virtualHost: "/"), channel: 0)
            if hasPermissions {
                client.expect(ConnectionOpenOk(), channel: 0)
            } else {
                client.expectClose(
                    530, "NOT_ALLOWED - access to vhost '/' refused for user 'u'", of: ConnectionOpen.self)
            }
        }
    }
}
