import AMQPWire
import Testing

@testable import Broker

/// Row "permissions": configure, write and read, by user and virtual host. What each method takes, RabbitMQ's texts,
/// and that a change holds at once.
@Suite struct PermissionTests {
    private func set(
        _ broker: Conversation, configure: String = "", write: String = "", read: String = "",
        virtualHost: ShortString = "/"
    ) {
        #expect(throws: Never.self) {
            try broker.controlPlane.setPermissions(
                Permissions(configure: configure, write: write, read: read), user: "guest", virtualHost: virtualHost)
        }
    }

    /// So that the conversation can end with everything deleted.
    private func free(_ broker: Conversation) { set(broker, configure: ".*", write: ".*", read: ".*") }

    private func expectRefused(
        _ client: ConversationClient, _ permission: String, _ resource: String, _ method: some WireMethod,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        client.send(method)
        client.expectChannelClose(
            403, "ACCESS_REFUSED - \(permission) access to \(resource) in vhost '/' refused for user 'guest'",
            of: type(of: method), sourceLocation: sourceLocation)
    }

    private func expectPublishRefused(
        _ client: ConversationClient, _ exchange: ShortString, shownAs name: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        client.publish("x", exchange: exchange, routingKey: "q")
        client.expectChannelClose(
            403, "ACCESS_REFUSED - write access to exchange '\(name)' in vhost '/' refused for user 'guest'",
            of: BasicPublish.self, sourceLocation: sourceLocation)
    }

    @Test func theDefaultUserMayDoEverythingInTheDefaultVirtualHost() {
        converse { broker in
            #expect(
                broker.controlPlane.permissions == [
                    UserPermissions(user: "guest", virtualHost: "/", permissions: .everything)
                ])
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("one", routingKey: "q")
            client.get("q", expecting: "one", tag: 1, noAck: true)
        }
    }

    @Test func aVirtualHostIsOpenedOnlyWithPermissionsThere() {
        converse { broker in
            #expect(throws: Never.self) { try broker.controlPlane.addVirtualHost("v") }
            // Any will do.
            set(broker)
            _ = broker.connect()
            let client = broker.accept()
            client.logIn()
            client.send(ConnectionTuneOk(channelMax: 1, frameMax: 131_072), channel: 0)
            client.send(ConnectionOpen(virtualHost: "v"), channel: 0)
            client.expectClose(
                530, "NOT_ALLOWED - access to vhost 'v' refused for user 'guest'", of: ConnectionOpen.self)
            let lost = broker.accept()
            lost.logIn()
            lost.send(ConnectionTuneOk(channelMax: 1, frameMax: 131_072), channel: 0)
            lost.send(ConnectionOpen(virtualHost: "nowhere"), channel: 0)
            lost.expectClose(530, "NOT_ALLOWED - vhost nowhere not found", of: ConnectionOpen.self)
            set(broker, virtualHost: "v")
            _ = broker.connect(virtualHost: "v")
            // Who was refused does not count as a connection.
            var metadata = VirtualHostMetadata()
            metadata.maxConnections = 2
            #expect(throws: Never.self) { try broker.controlPlane.setMetadata(metadata, ofVirtualHost: "v") }
            _ = broker.connect(virtualHost: "v")
        }
    }

    @Test func queuesAreDeclaredAndDeletedWithConfigure() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "theirs"))
            set(broker, configure: "^(mine|amq.gen-)", read: "^mine")
            client.declare(QueueDeclare(queue: "mine"))
            client.request(QueueDeclare(queue: "mine"), QueueDeclareOk(queue: "mine"))
            // Whether it is there, and how it was declared, is not told.
            expectRefused(client, "configure", "queue 'theirs'", QueueDeclare(queue: "theirs", durable: true))
            expectRefused(client, "configure", "queue 'new'", QueueDeclare(queue: "new"))
            expectRefused(client, "configure", "queue 'theirs'", QueueDelete(queue: "theirs"))
            expectRefused(client, "configure", "queue 'new'", QueueDelete(queue: "new"))
            client.send(QueueDeclare(queue: ""))
            #expect(client.expect(QueueDeclareOk.self)?.queue.hasPrefix("amq.gen-") == true)
            client.request(QueueDelete(queue: "mine"), QueueDeleteOk())
            free(broker)
        }
    }

    @Test(arguments: ["configure", "write", "read"])
    func anyPermissionIsEnoughForAPassiveDeclare(permission: String) {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.declare(QueueDeclare(queue: "other"))
            func pattern(_ wanted: String) -> String { permission == wanted ? "^(q|amq.topic)$" : "" }
            set(broker, configure: pattern("configure"), write: pattern("write"), read: pattern("read"))
            client.declare(QueueDeclare(queue: "q", passive: true))
            client.request(ExchangeDeclare(exchange: "amq.topic", passive: true), ExchangeDeclareOk())
            expectRefused(client, "configure", "queue 'other'", QueueDeclare(queue: "other", passive: true))
            expectRefused(client, "configure", "queue 'none'", QueueDeclare(queue: "none", passive: true))
            expectRefused(
                client, "configure", "exchange 'amq.direct'", ExchangeDeclare(exchange: "amq.direct", passive: true))
            free(broker)
        }
    }

    @Test func aDeadLetterExchangeTakesReadOnTheQueueAndWriteOnTheExchange() {
        converse { broker in
            let client = broker.connect()
            func declare(_ queue: ShortString, _ exchange: String) -> QueueDeclare {
                QueueDeclare(queue: queue, arguments: ["x-dead-letter-exchange": .string(exchange)])
            }
            set(broker, configure: ".*", write: "^dlx$", read: "^q")
            expectRefused(client, "read", "queue 'other'", declare("other", "dlx"))
            expectRefused(client, "write", "exchange 'x'", declare("q", "x"))
            expectRefused(client, "write", "exchange 'amq.default'", declare("q", ""))
            client.declare(declare("q", "dlx"))
            // It is only compared with what exists.
            set(broker, configure: ".*")
            client.declare(declare("q", "dlx"))
            free(broker)
        }
    }

    @Test func exchangesAreDeclaredAndDeletedWithConfigure() {
        converse { broker in
            let client = broker.connect()
            func declare(_ exchange: ShortString, alternate: String? = nil) -> ExchangeDeclare {
                ExchangeDeclare(
                    exchange: exchange, type: "fanout",
                    arguments: alternate.map { ["alternate-exchange": .string($0)] } ?? FieldTable())
            }
            set(broker, configure: "^mine", write: "^ae$", read: "^mine1$")
            expectRefused(client, "configure", "exchange 'x'", declare("x"))
            expectRefused(client, "configure", "exchange 'amq.topic'", declare("amq.topic"))
            expectRefused(client, "configure", "exchange 'x'", ExchangeDelete(exchange: "x"))
            expectRefused(client, "read", "exchange 'mine2'", declare("mine2", alternate: "ae"))
            expectRefused(client, "write", "exchange 'other'", declare("mine1", alternate: "other"))
            client.request(declare("mine1", alternate: "ae"), ExchangeDeclareOk())
            client.request(declare("mine2"), ExchangeDeclareOk())
            client.request(ExchangeDelete(exchange: "mine1"), ExchangeDeleteOk())
            client.send(ExchangeDelete(exchange: "amq.topic"))
            client.expectChannelClose(
                403, "ACCESS_REFUSED - deletion of system exchange 'amq.topic' in vhost '/' not allowed",
                of: ExchangeDelete.self)
            free(broker)
        }
    }

    @Test func aBindingTakesWriteOnItsDestinationAndReadOnItsSource() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            set(broker, write: "^(q|amq.fanout)$", read: "^amq.direct$")
            client.request(QueueBind(queue: "q", exchange: "amq.direct"), QueueBindOk())
            client.request(QueueUnbind(queue: "q", exchange: "amq.direct"), QueueUnbindOk())
            let bind = ExchangeBind(destination: "amq.fanout", source: "amq.direct")
            client.request(bind, ExchangeBindOk())
            client.request(ExchangeUnbind(destination: "amq.fanout", source: "amq.direct"), ExchangeUnbindOk())
            expectRefused(client, "write", "queue 'other'", QueueBind(queue: "other", exchange: "amq.topic"))
            expectRefused(client, "read", "exchange 'amq.topic'", QueueBind(queue: "q", exchange: "amq.topic"))
            expectRefused(client, "write", "queue 'other'", QueueUnbind(queue: "other", exchange: "amq.topic"))
            expectRefused(client, "read", "exchange 'amq.topic'", QueueUnbind(queue: "q", exchange: "amq.topic"))
            expectRefused(
                client, "write", "exchange 'amq.topic'", ExchangeBind(destination: "amq.topic", source: "amq.direct"))
            expectRefused(
                client, "write", "exchange 'amq.default'", ExchangeBind(destination: "", source: "amq.direct"))
            expectRefused(
                client, "read", "exchange 'amq.topic'",
                ExchangeUnbind(destination: "amq.fanout", source: "amq.topic"))
            free(broker)
        }
    }

    @Test func consumingGettingAndPurgingTakeRead() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.declare(QueueDeclare(queue: "other"))
            set(broker, write: ".*", read: "^q$")
            client.publish("one", routingKey: "q")
            client.get("q", expecting: "one", tag: 1, noAck: true)
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 0))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            expectRefused(client, "read", "queue 'other'", BasicGet(queue: "other"))
            expectRefused(client, "read", "queue 'none'", BasicGet(queue: "none"))
            expectRefused(client, "read", "queue 'other'", QueuePurge(queue: "other"))
            expectRefused(client, "read", "queue 'other'", BasicConsume(queue: "other"))
            // Replies are for everybody.
            client.consume(BasicConsume(queue: "amq.rabbitmq.reply-to", consumerTag: "r", noAck: true))
            free(broker)
        }
    }

    @Test func publishingTakesWrite() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            set(broker, write: "^amq.(default|direct)$", read: ".*")
            client.publish("one", routingKey: "q")
            client.publish("two", routingKey: "q")
            client.publish("three", exchange: "amq.direct", routingKey: "q")
            expectPublishRefused(client, "amq.fanout", shownAs: "amq.fanout")
            // Before anything else is found wrong.
            expectPublishRefused(client, "none", shownAs: "none")
            expectPublishRefused(client, "amq.rabbitmq.trace", shownAs: "amq.rabbitmq.trace")
            var properties = BasicProperties()
            properties.expiration = "soon"
            client.publish("x", exchange: "amq.fanout", routingKey: "q", properties: properties)
            client.expectChannelClose(
                403, "ACCESS_REFUSED - write access to exchange 'amq.fanout' in vhost '/' refused for user 'guest'",
                of: BasicPublish.self)
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 2))
            free(broker)
        }
    }

    @Test(arguments: [0, 1])
    func aChangeHoldsAtOnce(shard: Int) {
        converse(shards: 2) { broker in
            let client = broker.connect(shard: shard)
            client.declare(QueueDeclare(queue: "q"))
            // The route is remembered, with a permission and without one.
            client.publish("one", routingKey: "q")
            set(broker, write: "default", read: ".*")
            client.publish("two", routingKey: "q")
            client.publish("three", routingKey: "q")
            set(broker, write: "^default", read: ".*")
            expectPublishRefused(client, "", shownAs: "amq.default")
            set(broker, write: "amq", read: ".*")
            client.publish("four", routingKey: "q")
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 4))
            #expect(throws: Never.self) {
                try broker.controlPlane.clearPermissions(user: "guest", virtualHost: "/")
            }
            expectPublishRefused(client, "", shownAs: "amq.default")
            expectRefused(client, "read", "queue 'q'", BasicGet(queue: "q"))
            free(broker)
        }
    }

    private func updateSecret(_ client: ConversationClient) {
        client.send(ConnectionUpdateSecret(newSecret: Array("guest".utf8), reason: "renewal"), channel: 0)
    }

    @Test(arguments: [0, 1])
    func updateSecretCancelsConsumersThatMayNotReadAnyMore(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect(shard: shard)
            for queue in ["kept", "lost"] as [ShortString] { owner.declare(QueueDeclare(queue: queue)) }
            let client = broker.connect()
            client.openChannel(2)
            client.consume(BasicConsume(queue: "kept", consumerTag: "a"))
            client.consume(BasicConsume(queue: "lost", consumerTag: "b"))
            client.consume(BasicConsume(queue: "lost", consumerTag: "c"), channel: 2)
            client.consume(BasicConsume(queue: "amq.rabbitmq.reply-to", consumerTag: "r", noAck: true), channel: 2)
            let simple = broker.connect(capabilities: FieldTable())
            simple.consume(BasicConsume(queue: "lost", consumerTag: "d"))
            owner.publish("one", routingKey: "kept")
            client.expectDeliver("one", tag: 1, consumer: "a", routingKey: "kept")
            set(broker, write: ".*", read: "kept")
            broker.advance(milliseconds: 1000)
            client.expectNothing()
            updateSecret(client)
            client.expect(ConnectionUpdateSecretOk(), channel: 0)
            client.expect(BasicCancel(consumerTag: "b", noWait: true))
            client.expect(BasicCancel(consumerTag: "c", noWait: true), channel: 2)
            client.expectNothing()
            updateSecret(simple)
            simple.expect(ConnectionUpdateSecretOk(), channel: 0)
            simple.expectNothing()
            owner.publish("two", routingKey: "lost")
            owner.publish("three", routingKey: "kept")
            client.expectDeliver("three", tag: 2, consumer: "a", routingKey: "kept")
            client.expectNothing()
            simple.expectNothing()
            owner.request(
                QueueDeclare(queue: "lost", passive: true), QueueDeclareOk(queue: "lost", messageCount: 1))
            // The tag is free again.
            free(broker)
            client.consume(BasicConsume(queue: "kept", consumerTag: "b"))
        }
    }

    /// What is on its way to a cancelled consumer is not the next one's that has its place in the channel.
    @Test func whatIsOnItsWayToACancelledConsumerGoesBack() {
        converse(shards: 2) { broker in
            let owner = broker.connect(shard: 1)
            owner.declare(QueueDeclare(queue: "lost"))
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "kept"))
            client.consume(BasicConsume(queue: "lost", consumerTag: "old", noAck: true))
            broker.holdsMail = true
            owner.publish("one", routingKey: "lost")
            set(broker, write: ".*", read: "kept")
            updateSecret(client)
            client.expect(ConnectionUpdateSecretOk(), channel: 0)
            client.expect(BasicCancel(consumerTag: "old", noWait: true))
            client.consume(BasicConsume(queue: "kept", consumerTag: "new", noAck: true))
            broker.holdsMail = false
            broker.settle()
            client.expectNothing()
            client.publish("two", routingKey: "kept")
            client.expectDeliver("two", tag: 1, consumer: "new", routingKey: "kept")
            free(broker)
            owner.request(QueuePurge(queue: "lost"), QueuePurgeOk(messageCount: 1))
        }
    }

    /// What another shard has not answered yet is measured when it does.
    @Test func updateSecretDoesNotMissAConsumerThatIsJustBeginning() {
        converse(shards: 2) { broker in
            broker.connect(shard: 1).declare(QueueDeclare(queue: "q"))
            let client = broker.connect()
            broker.holdsMail = true
            client.send(BasicConsume(queue: "q", consumerTag: "c"))
            set(broker, write: ".*")
            updateSecret(client)
            client.expect(ConnectionUpdateSecretOk(), channel: 0)
            broker.holdsMail = false
            broker.settle()
            client.expect(BasicConsumeOk(consumerTag: "c"))
            client.expect(BasicCancel(consumerTag: "c", noWait: true))
            client.publish("one", routingKey: "q")
            client.expectNothing()
            free(broker)
            client.get("q", expecting: "one", tag: 1, noAck: true)
        }
    }

    @Test func updateSecretClosesAConnectionThatHasLostItsVirtualHost() {
        converse { broker in
            let client = broker.connect()
            #expect(throws: Never.self) {
                try broker.controlPlane.clearPermissions(user: "guest", virtualHost: "/")
            }
            updateSecret(client)
            client.expectClose(
                530, "NOT_ALLOWED - access to vhost '/' refused for user 'guest'", of: ConnectionUpdateSecret.self)
            free(broker)
        }
    }

    @Test func permissionsEndWithTheirVirtualHost() throws {
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        let permissions = Permissions(configure: "a", write: "b", read: "c")
        try controlPlane.deleteUser("guest")
        try controlPlane.putUser(UserRecord(name: "u"))
        try controlPlane.addVirtualHost("v")
        try controlPlane.setPermissions(permissions, user: "u", virtualHost: "v")
        try controlPlane.setTopicPermissions(
            TopicPermissions(write: "", read: ""), user: "u", virtualHost: "v", exchange: "e")
        #expect(
            controlPlane.permissions == [UserPermissions(user: "u", virtualHost: "v", permissions: permissions)])
        #expect(controlPlane.topicPermissions.count == 1)
        try controlPlane.deleteVirtualHost("v")
        try controlPlane.addVirtualHost("v")
        #expect(controlPlane.permissions == [])
        #expect(controlPlane.topicPermissions == [])
        #expect(throws: ProtocolError.virtualHostRefused("v", user: "u")) {
            try controlPlane.withTopology { topology throws(ProtocolError) in
                try topology.enter("v", user: "u")
            }
        }
    }

    @Test func whatIsNoPatternIsRefused() throws {
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        try controlPlane.putUser(UserRecord(name: "u"))
        #expect(throws: AdministrationError.self) {
            try controlPlane.setPermissions(
                Permissions(configure: "", write: "(", read: ""), user: "u", virtualHost: "/")
        }
        #expect(throws: AdministrationError.invalid("the pattern is longer than 1024 bytes")) {
            try controlPlane.setPermissions(
                Permissions(configure: "", write: "", read: String(repeating: "x", count: 1025)), user: "u",
                virtualHost: "/")
        }
        #expect(throws: AdministrationError.notFound("vhost 'v' not found")) {
            try controlPlane.setPermissions(
                Permissions(configure: "", write: "", read: ""), user: "u", virtualHost: "v")
        }
        #expect(throws: AdministrationError.notFound("vhost 'v' not found")) {
            try controlPlane.clearPermissions(user: "u", virtualHost: "v")
        }
        #expect(throws: AdministrationError.notFound("user 'nobody' not found")) {
            try controlPlane.setPermissions(.everything, user: "nobody", virtualHost: "/")
        }
        #expect(controlPlane.permissions.map(\.user) == ["guest"])
    }

    /// From the steps since the last checkpoint, or from the checkpoint; the default user does not get back what was
    /// taken.
    @Test(arguments: [false, true])
    func permissionsAreJournaledAndRecovered(fromSnapshot: Bool) throws {
        let journal = DrivenJournal(shardCount: 1, pace: .onDemand)
        let before = Conversation(shards: 1, settings: BrokerSettings(), journal: journal)
        var snapshot: [UInt8]?
        var changes: [[UInt8]] = []
        journal.onTake = { _, records in
            for record in records {
                if case .stateSnapshot(let bytes) = record { snapshot = bytes }
                if case .stateChange(let bytes) = record { changes.append(bytes) }
            }
        }
        let permissions = Permissions(configure: "", write: "^amq", read: "q")
        try before.controlPlane.putUser(UserRecord(name: "reader"))
        try before.controlPlane.setPermissions(permissions, user: "reader", virtualHost: "/")
        try before.controlPlane.setPermissions(permissions, user: "guest", virtualHost: "/")
        try before.controlPlane.clearPermissions(user: "guest", virtualHost: "/")
        before.settle()
        #expect(
            journal.takeStateRecords()
                == [
                    "virtual host /", "user guest", "permissions of guest in /", "user reader",
                    "permissions of reader in /", "permissions of guest in /", "no permissions of guest in /",
                ])
        before.controlPlane.appendSnapshot()
        before.settle()
        let topology =
            try fromSnapshot
            ? DurableTopology(snapshot: snapshot, changes: []) : DurableTopology(snapshot: nil, changes: changes)
        before.end(sourceLocation: #_sourceLocation)
        let after = Conversation(shards: 1, settings: BrokerSettings()) { controlPlane, shards in
            #expect(controlPlane.recover(topology, shards: shards).problems == [])
            for shard in shards { shard.finishRecovery(nextSequence: 1) }
        }
        #expect(
            after.controlPlane.permissions
                == [UserPermissions(user: "reader", virtualHost: "/", permissions: permissions)])
        let client = after.accept()
        client.logIn()
        client.send(ConnectionTuneOk(channelMax: 1, frameMax: 131_072), channel: 0)
        client.send(ConnectionOpen(virtualHost: "/"), channel: 0)
        client.expectClose(
            530, "NOT_ALLOWED - access to vhost '/' refused for user 'guest'", of: ConnectionOpen.self)
        after.end(sourceLocation: #_sourceLocation)
    }
}
