import AMQPWire
import Testing

@testable import Broker

/// What was set is there after a kill, from the log alone and from a checkpoint.
@Suite struct AccessRecoveryTests {
    @Test(arguments: [false, true])
    func usersAndParametersSurviveAKill(hasCheckpoint: Bool) throws {
        let killed = KilledBroker()
        killed.live { broker in
            broker.addUser("u", tags: [.monitoring], limits: UserLimits(maxConnections: 5, maxChannels: -1))
            broker.addUser("gone")
            broker.administer { controlPlane throws(AdministrationError) in
                try controlPlane.setTopicPermissions(
                    TopicPermissions(write: "^a", read: ""), user: "u", virtualHost: "/", exchange: "amq.topic")
                try controlPlane.setTopicPermissions(
                    TopicPermissions(write: "^a", read: ""), user: "u", virtualHost: "/", exchange: "e")
                try controlPlane.clearTopicPermissions(user: "u", virtualHost: "/", exchange: "e")
                try controlPlane.setPermissions(
                    Permissions(configure: "", write: "amq", read: ""), user: "u", virtualHost: "/")
                try controlPlane.setParameter(
                    component: "shovel", name: "s", value: .table(["a": .bool(true)]), virtualHost: "/")
                try controlPlane.setParameter(component: "shovel", name: "t", value: .void, virtualHost: "/")
                try controlPlane.clearParameter(component: "shovel", name: "t", virtualHost: "/")
                try controlPlane.setGlobalParameter("cluster_name", to: .string("meadow"))
                try controlPlane.deleteUser("gone")
            }
            if hasCheckpoint { broker.controlPlane.appendSnapshot() }
        }
        for _ in 0..<2 {
            killed.live { broker in
                let controlPlane = broker.controlPlane
                #expect(controlPlane.users.map(\.name) == ["guest", "u"])
                #expect(controlPlane.user(named: "u")?.tags == ["monitoring"])
                #expect(
                    controlPlane.user(named: "u")?.limits == UserLimits(maxConnections: 5, maxChannels: -1))
                #expect(controlPlane.permissions(user: "guest", virtualHost: "/") == .everything)
                #expect(controlPlane.permissions(user: "u", virtualHost: "/")?.write == "amq")
                #expect(controlPlane.topicPermissions.map(\.exchange) == ["amq.topic"])
                #expect((try? controlPlane.parameters())?.map(\.name) == ["s"])
                #expect(controlPlane.clusterName == "meadow")
                let client = broker.connect(user: "u")
                client.publish("x", exchange: "amq.topic", routingKey: "a")
                client.publish("x", exchange: "amq.topic", routingKey: "b")
                client.expectChannelClose(
                    403,
                    "ACCESS_REFUSED - write access to topic 'b' in exchange 'amq.topic' in vhost '/' refused for "
                        + "user 'u'", of: BasicPublish.self)
                client.endSocket()
                if hasCheckpoint { controlPlane.appendSnapshot() }
            }
        }
    }

    /// The default user is made once: neither a restart nor another configuration brings it back or changes it.
    @Test(arguments: [false, true])
    func theDefaultUserIsMadeOnce(hasCheckpoint: Bool) throws {
        var settings = BrokerSettings()
        settings.access.defaultUser.name = "first"
        settings.access.defaultUser.password = "first"
        settings.access.defaultUser.tags = ["monitoring"]
        settings.access.defaultUser.permissions = Permissions(configure: "", write: ".*", read: "")
        let killed = KilledBroker()
        killed.live(settings: settings) { broker in
            broker.controlPlane.journalDefaults()
            #expect(broker.controlPlane.users.map(\.name) == ["first"])
            let client = broker.connect(user: "first")
            client.send(QueueDeclare(queue: "q"))
            client.expectChannelClose(
                403, "ACCESS_REFUSED - configure access to queue 'q' in vhost '/' refused for user 'first'",
                of: QueueDeclare.self)
            client.endSocket()
            if hasCheckpoint { broker.controlPlane.appendSnapshot() }
        }
        // The configuration is another now.
        killed.live { broker in
            broker.controlPlane.journalDefaults()
            #expect(broker.controlPlane.users.map(\.name) == ["first"])
            #expect(broker.controlPlane.user(named: "first")?.tags == ["monitoring"])
            broker.connect(user: "first").endSocket()
            broker.administer { controlPlane throws(AdministrationError) in try controlPlane.deleteUser("first") }
            if hasCheckpoint { broker.controlPlane.appendSnapshot() }
        }
        killed.live(settings: settings) { broker in
            broker.controlPlane.journalDefaults()
            #expect(broker.controlPlane.users.isEmpty)
        }
    }

    /// The same for the default virtual host.
    @Test(arguments: [false, true])
    func theDefaultVirtualHostIsMadeOnce(hasCheckpoint: Bool) {
        let killed = KilledBroker()
        var elsewhere = BrokerSettings()
        elsewhere.defaultVirtualHost = "elsewhere"
        killed.live { broker in
            broker.controlPlane.journalDefaults()
            if hasCheckpoint { broker.controlPlane.appendSnapshot() }
        }
        killed.live(settings: elsewhere) { broker in
            #expect(broker.controlPlane.virtualHosts.map(\.name) == ["/"])
            #expect(broker.controlPlane.permissions.map(\.virtualHost) == ["/"])
            broker.administer { controlPlane throws(AdministrationError) in
                try controlPlane.deleteVirtualHost("/")
            }
            if hasCheckpoint { broker.controlPlane.appendSnapshot() }
        }
        killed.live { broker in #expect(broker.controlPlane.virtualHosts.isEmpty) }
    }
}
