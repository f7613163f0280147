import AMQPWire
import Broker
import Testing

@testable import Broker

// The contents are those that RabbitMQ 3.10 has sent for the same steps; `node` and process identifiers are ours.
@Suite struct ConnectionEventTests {
    @Test(arguments: [1, 2])
    func aConnectionIsAnnouncedFromItsLoginToItsEnd(shards: Int) {
        converse(shards: shards) { broker in
            let listener = EventListener(broker)
            _ = listener.take()
            let client = broker.connect(shard: shards - 1)
            client.declare(QueueDeclare(queue: "q"))
            client.consume(
                BasicConsume(queue: "q", consumerTag: "c", noAck: true, arguments: ["x-priority": .int32(3)]))
            client.send(BasicCancel(consumerTag: "c"))
            client.expect(BasicCancelOk(consumerTag: "c"))
            client.closeChannel()
            client.close()
            let events = listener.take()
            #expect(
                events.map(\.key) == [
                    "user.authentication.success", "connection.created", "channel.created", "queue.created",
                    "consumer.created", "consumer.deleted", "channel.closed", "connection.closed",
                ])
            guard events.count == 8 else { return }
            let capabilities: FieldValue = .array(
                BrokerEvent.termsForTests(["capabilities": .table(ConversationClient.allCapabilities)]))
            let ends: FieldTable = [
                "host": .string(""), "peer_host": .string(""), "peer_port": .int64(0),
                "protocol": .string("{0,9,1}"), "auth_mechanism": .string("PLAIN"), "ssl": .bool(false),
            ]
            expect(
                [events[0]],
                [
                    ReceivedEvent(
                        "user.authentication.success",
                        FieldTable(
                            ends.entries + [
                                .init(name: "name", value: .string("guest")),
                                .init(name: "connection_type", value: .string("network")),
                                .init(name: "connection_name", value: .string(client.name)),
                            ]))
                ])
            let created = events[1].headers
            #expect(created["pid"]?.text == client.address.processText)
            #expect(created["name"]?.text == client.name)
            #expect(created["client_properties"] == capabilities)
            #expect(created["channel_max"] == .int64(2047) && created["frame_max"] == .int64(131_072))
            #expect(created["timeout"] == .int64(0) && created["ssl_cipher"]?.text?.isEmpty == true)
            #expect(created["connected_at"] == .int64(Int64(broker.wallMilliseconds)))
            #expect(created["user"]?.text == "guest" && created["user_who_performed_action"]?.text == "guest")
            let channel = events[2].headers
            #expect(channel["name"]?.text == "\(client.name) (1)" && channel["number"] == .int64(1))
            #expect(channel["connection"] == created["pid"])
            expect(
                [events[4]],
                [
                    ReceivedEvent(
                        "consumer.created",
                        [
                            "consumer_tag": .string("c"), "queue": .string("q"), "vhost": .string("/"),
                            "channel": channel["pid"] ?? .void, "exclusive": .bool(false),
                            "ack_required": .bool(false), "prefetch_count": .int64(0),
                            "arguments": .array([.string(#"{<<"x-priority">>,signedint,3}"#)]),
                            "user_who_performed_action": .string("guest"),
                        ])
                ])
            #expect(events[5].headers["channel"] == channel["pid"])
            #expect(events[6].headers["pid"] == channel["pid"])
            #expect(events[7].headers["pid"] == created["pid"])
            #expect(events[7].headers["client_properties"] == capabilities)
            #expect(events[7].headers["user_who_performed_action"] == nil)
        }
    }

    @Test func aRefusedLoginIsAnnounced() {
        converse { broker in
            let listener = EventListener(broker, key: "user.authentication.*")
            let client = broker.accept()
            client.send(bytes: ConversationClient.protocolHeader)
            _ = client.expect(ConnectionStart.self, channel: 0)
            client.send(ConversationClient.startOk(response: Array("\0guest\0wrong".utf8)), channel: 0)
            let event = listener.take().first
            #expect(event?.key == "user.authentication.failure")
            #expect(event?.headers["name"]?.text == "guest")
            #expect(event?.headers["error"]?.text?.isEmpty == false)
            #expect(event?.headers["error"]?.text?.contains("wrong") == false, "no password is told")
            client.endSocket()
            _ = client.takeAll()
        }
    }

    @Test func alarmsAreAnnouncedOnce() {
        converse(shards: 2) { broker in
            let listener = EventListener(broker, key: "alarm.*")
            broker.setAlarms(.disk)
            broker.setAlarms([.disk, .memory])
            broker.setAlarms(.memory)
            broker.setAlarms([])
            #expect(
                listener.take().map { "\($0.key) \($0.headers["source"]?.text ?? "")" } == [
                    "alarm.set disk", "alarm.set memory", "alarm.cleared disk", "alarm.cleared memory",
                ])
        }
    }

    @Test func usersAndParametersAreAnnounced() throws {
        try converse { broker in
            let listener = EventListener(broker)
            _ = listener.take()
            let plane = broker.controlPlane
            var ann = UserRecord(name: "ann")
            ann.passwordHash = [1, 2, 3, 4, 5]
            ann.tags = ["monitoring"]
            try plane.putUser(ann)
            ann.passwordHash = [1]
            try plane.putUser(ann)
            ann.passwordHash = []
            ann.tags = []
            try plane.putUser(ann)
            try plane.setUserLimit(.maxConnections, to: 5, user: "ann")
            try plane.setUserLimit(.maxConnections, to: nil, user: "ann")
            try plane.setTopicPermissions(
                TopicPermissions(write: "w", read: "r"), user: "ann", virtualHost: "/", exchange: "amq.topic")
            try plane.clearTopicPermissions(user: "ann", virtualHost: "/")
            try plane.deleteUser("ann")
            try plane.setParameter(component: "shovel", name: "s", value: .table(["a": .int32(1)]), virtualHost: "/")
            try plane.clearParameter(component: "shovel", name: "s", virtualHost: "/")
            try plane.setGlobalParameter("g", to: .bool(true))
            try plane.clearGlobalParameter("g")
            broker.advance(milliseconds: 250)
            let events = listener.take()
            #expect(
                events.map(\.key) == [
                    "user.created", "user.tags.set", "user.password.changed", "user.password.cleared",
                    "user.tags.set", "user.limits.set", "user.limits.cleared", "topic.permission.created",
                    "topic.permission.deleted", "user.deleted", "parameter.set", "parameter.cleared",
                    "parameter.set", "parameter.cleared",
                ])
            guard events.count == 14 else { return }
            #expect(events[1].headers["tags"] == .array([.string("monitoring")]))
            #expect(events[5].headers["max-connections"] == .int64(5) && events[5].headers["username"]?.text == "ann")
            #expect(events[10].headers["value"] == .table(["a": .int64(1)]))
            #expect(events[12].headers["component"]?.text == "global")
            #expect(events.allSatisfy { !"\($0.headers)".contains("password_hash") })
        }
    }

    @Test func addressesAreWrittenAsErlangDoes() {
        #expect(ShardState.erlangAddress("127.0.0.1") == "{127,0,0,1}")
        #expect(ShardState.erlangAddress("::1") == "{0,0,0,0,0,0,0,1}")
        #expect(ShardState.erlangAddress("2001:db8::ff00:42:8329") == "{8193,3512,0,0,0,65280,66,33577}")
        #expect(ShardState.erlangAddress("somewhere") == "somewhere")
    }

    @Test func termsAreWrittenAsErlangDoes() {
        let table: FieldTable = [
            "a": .array([.string("x"), .int32(-1)]), "t": .table(["b": .bool(true)]), "v": .void,
            "n": .longString([0, 255]), "e": .string(""),
        ]
        #expect(
            table.entries.map(\.erlangTerm) == [
                #"{<<"a">>,array,[{longstr,<<"x">>},{signedint,-1}]}"#,
                #"{<<"t">>,table,[{<<"b">>,bool,true}]}"#, #"{<<"v">>,void,undefined}"#,
                #"{<<"n">>,longstr,<<0,255>>}"#, #"{<<"e">>,longstr,<<>>}"#,
            ])
    }
}

extension BrokerEvent {
    fileprivate static func termsForTests(_ table: FieldTable) -> [FieldValue] {
        guard case .array(let terms) = terms(table) else { return [] }
        return terms
    }
}
