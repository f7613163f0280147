import AMQPWire
import Testing

@testable import Broker

/// Row "users": who logs in, what a deleted user loses, tags and limits.
@Suite struct UserTests {
    private func opens(_ broker: Conversation, user: String, shard: Int = 0) -> ConversationClient {
        let client = broker.accept(shard: shard)
        client.logIn(user: user)
        client.send(ConnectionTuneOk(channelMax: 20, frameMax: 4096), channel: 0)
        client.send(ConnectionOpen(virtualHost: "/"), channel: 0)
        return client
    }

    private func refusesLogin(_ broker: Conversation, user: String, password: String) -> Bool {
        let client = broker.accept()
        client.send(bytes: ConversationClient.protocolHeader)
        _ = client.expect(ConnectionStart.self, channel: 0)
        client.send(ConversationClient.startOk(response: Array("\0\(user)\0\(password)".utf8)), channel: 0)
        let isTuned = client.takeAll().contains {
            if case .method(.connectionTune, _, _) = $0 { true } else { false }
        }
        client.endSocket()
        return !isTuned
    }

    @Test func aUserIsMadeChangedAndDeleted() throws {
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        #expect(controlPlane.users.map(\.name) == ["guest"])
        #expect(controlPlane.user(named: "guest")?.has(.administrator) == true)
        var user = UserRecord(name: "u")
        user.tags = ["management", "anything"]
        user.limits.maxConnections = 3
        #expect(try controlPlane.putUser(user))
        #expect(controlPlane.user(named: "u") == user)
        #expect(controlPlane.userLimits.map(\.user) == ["u"])
        // Limits that are not said stay; the rest is what is said.
        user.tags = []
        user.limits = UserLimits(maxChannels: 4)
        #expect(try !controlPlane.putUser(user))
        #expect(controlPlane.user(named: "u")?.tags == [])
        #expect(controlPlane.user(named: "u")?.limits == UserLimits(maxConnections: 3, maxChannels: 4))
        try controlPlane.setUserLimit(.maxConnections, to: nil, user: "u")
        try controlPlane.changeUser("u") { $0.tags = ["monitoring"] }
        #expect(controlPlane.user(named: "u")?.limits == UserLimits(maxChannels: 4))
        #expect(controlPlane.user(named: "u")?.has(.monitoring) == true)
        try controlPlane.setPermissions(.everything, user: "u", virtualHost: "/")
        #expect(controlPlane.virtualHosts(openTo: "u") == ["/"])
        try controlPlane.deleteUser("u")
        #expect(controlPlane.users.map(\.name) == ["guest"])
        #expect(controlPlane.permissions(user: "u", virtualHost: "/") == nil)
        #expect(throws: AdministrationError.notFound("user 'u' not found")) { try controlPlane.deleteUser("u") }
        #expect(throws: AdministrationError.notFound("user 'u' not found")) {
            try controlPlane.changeUser("u") { _ in }
        }
        #expect(throws: AdministrationError.self) { try controlPlane.putUser(UserRecord(name: "")) }
        user.tags = (0..<65).map { "\($0)" }
        #expect(throws: AdministrationError.self) { try controlPlane.putUser(user) }
        // Who comes back under the same name has nothing.
        #expect(try controlPlane.putUser(UserRecord(name: "u")))
        #expect(controlPlane.virtualHosts(openTo: "u") == [])
    }

    /// The one who makes a virtual host may use it.
    @Test func aVirtualHostBelongsToItsCreator() throws {
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        try controlPlane.putUser(UserRecord(name: "u"))
        #expect(try controlPlane.addVirtualHost("v", creator: "u"))
        #expect(controlPlane.permissions(user: "u", virtualHost: "v") == .everything)
        try controlPlane.clearPermissions(user: "u", virtualHost: "v")
        #expect(try !controlPlane.addVirtualHost("v", creator: "u"))
        #expect(controlPlane.virtualHosts(openTo: "u") == [])
        #expect(try controlPlane.addVirtualHost("w", creator: "nobody"))
        #expect(controlPlane.permissions.map(\.user) == ["guest"])
    }

    @Test func onlyTheRightPasswordLogsIn() {
        converse { broker in
            broker.addUser("u")
            #expect(!refusesLogin(broker, user: "u", password: "u"))
            for password in ["", "v", "uu", "guest"] {
                #expect(refusesLogin(broker, user: "u", password: password))
            }
            #expect(refusesLogin(broker, user: "nobody", password: "nobody"))
            #expect(refusesLogin(broker, user: String(repeating: "u", count: 256), password: "u"))
            let open = broker.connect(user: "u")
            broker.administer { controlPlane throws(AdministrationError) in
                let hash = controlPlane.hash(password: Array("new".utf8)) ?? []
                try controlPlane.changeUser("u") { $0.passwordHash = hash }
            }
            #expect(refusesLogin(broker, user: "u", password: "u"))
            #expect(!refusesLogin(broker, user: "u", password: "new"))
            // Connections that are open stay.
            open.declare(QueueDeclare(queue: "q"))
            // Without a password nobody logs in, whatever is sent.
            broker.administer { controlPlane throws(AdministrationError) in
                try controlPlane.changeUser("u") { $0.passwordHash = [] }
            }
            for password in ["", "new", "\u{1}"] {
                #expect(refusesLogin(broker, user: "u", password: password))
            }
        }
    }

    @Test func onlyLoopbackUsersAreKeptToLoopback() {
        var settings = BrokerSettings()
        settings.access.loopbackUsers = ["u"]
        converse(settings: settings) { broker in
            broker.addUser("u")
            for (user, isAccepted) in [("guest", true), ("u", false)] {
                let client = broker.accept(isLoopback: false)
                client.send(bytes: ConversationClient.protocolHeader)
                _ = client.expect(ConnectionStart.self, channel: 0)
                client.send(
                    ConversationClient.startOk(response: Array("\0\(user)\0\(user)".utf8)), channel: 0)
                if isAccepted { _ = client.expect(ConnectionTune.self, channel: 0) }
                client.expectNothing()
            }
            broker.expectNote(.error, containing: "PLAIN login refused: user 'u' can only connect via localhost")
        }
    }

    @Test(arguments: [0, 1])
    func aDeletedUserLosesItsConnections(shard: Int) {
        converse(shards: 2) { broker in
            broker.addUser("u")
            let client = broker.connect(shard: shard, user: "u")
            client.declare(QueueDeclare(queue: "own", exclusive: true))
            let opening = broker.accept(shard: shard)
            opening.logIn(user: "u")
            let other = broker.connect(shard: shard)
            broker.administer { controlPlane throws(AdministrationError) in try controlPlane.deleteUser("u") }
            broker.advance(milliseconds: 1)
            client.expectClose(320, "CONNECTION_FORCED - user 'u' is deleted")
            opening.expectClose(320, "CONNECTION_FORCED - user 'u' is deleted")
            #expect(refusesLogin(broker, user: "u", password: "u"))
            other.declare(QueueDeclare(queue: "q"))
            // Another one of this name is not meant.
            broker.addUser("u")
            broker.connect(shard: shard, user: "u").declare(QueueDeclare(queue: "p"))
        }
    }

    @Test func anImpersonatorPublishesInOthersNames() {
        converse { broker in
            broker.addUser("u")
            let client = broker.connect(user: "u")
            client.declare(QueueDeclare(queue: "q"))
            var properties = BasicProperties()
            properties.userID = "guest"
            func publish() { client.publish("x", routingKey: "q", properties: properties) }
            func setTags(_ tags: [String]) {
                broker.administer { controlPlane throws(AdministrationError) in
                    try controlPlane.changeUser("u") { $0.tags = tags }
                }
            }
            let refusal = "PRECONDITION_FAILED - user_id property set to 'guest' but authenticated user was 'u'"
            publish()
            client.expectChannelClose(406, refusal, of: BasicPublish.self)
            setTags(["impersonator"])
            publish()
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 1))
            setTags(["administrator"])
            publish()
            client.expectChannelClose(406, refusal, of: BasicPublish.self)
        }
    }

    // MARK: Limits

    @Test func connectionsOfAUserAreLimited() {
        converse(shards: 2) { broker in
            broker.addUser("u", limits: UserLimits(maxConnections: 2))
            let first = opens(broker, user: "u")
            first.expect(ConnectionOpenOk(), channel: 0)
            opens(broker, user: "u", shard: 1).expect(ConnectionOpenOk(), channel: 0)
            let text = "NOT_ALLOWED - connection refused for user 'u': user connection limit"
            opens(broker, user: "u").expectClose(530, "\(text) (2) is reached", of: ConnectionOpen.self)
            first.close()
            opens(broker, user: "u").expect(ConnectionOpenOk(), channel: 0)
            func limit(_ value: Int?) {
                broker.administer { controlPlane throws(AdministrationError) in
                    try controlPlane.setUserLimit(.maxConnections, to: value, user: "u")
                }
            }
            limit(0)
            opens(broker, user: "u").expectClose(530, "\(text) (0) is reached", of: ConnectionOpen.self)
            limit(-1)
            opens(broker, user: "u").expect(ConnectionOpenOk(), channel: 0)
            limit(nil)
            opens(broker, user: "u").expect(ConnectionOpenOk(), channel: 0)
        }
    }

    @Test func channelsOfAUserAreLimited() {
        converse(shards: 2) { broker in
            broker.addUser("u", limits: UserLimits(maxChannels: 3))
            let first = broker.connect(user: "u")
            let second = broker.connect(shard: 1, user: "u")
            second.openChannel(2)
            first.send(ChannelOpen(), channel: 2)
            first.expectClose(
                530,
                "NOT_ALLOWED - number of channels opened for user 'u' has reached the maximum allowed user limit of 3"
            )
            // With the connection its channel is gone, and what is closed or failed counts no more.
            second.openChannel(3)
            second.closeChannel(3)
            second.openChannel(3)
            second.send(BasicGet(queue: "none"), channel: 3)
            second.expectChannelClose(404, "NOT_FOUND - no queue 'none' in vhost '/'", of: BasicGet.self, channel: 3)
            second.endSocket()
            let third = broker.connect(channel: nil, user: "u")
            for channel in 1...3 as ClosedRange<UInt16> { third.openChannel(channel) }
        }
    }

    @Test func negativeLimitsOfVirtualHostsLimitNothing() throws {
        converse { broker in
            broker.administer { controlPlane throws(AdministrationError) in
                try controlPlane.setVirtualHostLimit(.maxConnections, to: -1, virtualHost: "/")
                try controlPlane.setVirtualHostLimit(.maxQueues, to: -1, virtualHost: "/")
            }
            broker.connect().declare(QueueDeclare(queue: "q"))
            broker.administer { controlPlane throws(AdministrationError) in
                try controlPlane.setVirtualHostLimit(.maxConnections, to: 0, virtualHost: "/")
            }
            opens(broker, user: "guest").expectClose(
                530, "NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (0) is reached",
                of: ConnectionOpen.self)
            broker.administer { controlPlane throws(AdministrationError) in
                try controlPlane.setVirtualHostLimit(.maxConnections, to: nil, virtualHost: "/")
            }
        }
    }
}
