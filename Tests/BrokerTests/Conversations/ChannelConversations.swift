import AMQPWire
import Testing

/// Classes channel, access, confirm and tx.
@Test("channel", arguments: ChannelConversations.all)
func channelClass(_ conversation: MethodConversation) { conversation.run() }

enum ChannelConversations {
    static let all: [MethodConversation] = [
        MethodConversation("channel.open", "opens a channel") { broker in
            let client = broker.connect(channel: nil)
            client.send(ChannelOpen(), channel: 7)
            client.expect(ChannelOpenOk(), channel: 7)
        },
        MethodConversation("channel.open", "of an open channel is refused") { broker in
            let client = broker.connect()
            client.send(ChannelOpen())
            client.expectClose(504, "CHANNEL_ERROR - second 'channel.open' seen", of: ChannelOpen.self)
        },
        .refusedOnChannel(ChannelOpenOk()),
        MethodConversation("channel.flow", "with active is answered") { broker in
            let client = broker.connect()
            client.request(ChannelFlow(active: true), ChannelFlowOk(active: true))
        },
        MethodConversation("channel.flow", "without active is not implemented") { broker in
            let client = broker.connect()
            client.send(ChannelFlow(active: false))
            client.expectClose(540, "NOT_IMPLEMENTED - active=false", of: ChannelFlow.self)
        },
        // The broker never asks for flow, so there is nothing to answer.
        .refusedOnChannel(ChannelFlowOk(active: true)),
        MethodConversation("channel.close", "is answered, and the number is free") { broker in
            let client = broker.connect()
            client.request(ChannelClose(replyCode: 200, replyText: "OK"), ChannelCloseOk())
            client.openChannel(1)
        },
        MethodConversation("channel.close", "of the broker tells what failed") { broker in
            let client = broker.connect()
            client.send(QueueDeclare(queue: "nothing", passive: true))
            client.expectChannelClose(
                404, "NOT_FOUND - no queue 'nothing' in vhost '/'", of: QueueDeclare.self)
        },
        MethodConversation("channel.close", "of both sides at once is answered") { broker in
            let client = broker.connect()
            client.send(QueueDeclare(queue: "nothing", passive: true))
            client.expect(
                ChannelClose(
                    replyCode: 404, replyText: "NOT_FOUND - no queue 'nothing' in vhost '/'", classID: 50,
                    methodID: 10))
            client.send(ChannelClose(replyCode: 200, replyText: "OK"))
            client.expect(ChannelCloseOk())
            client.send(ChannelCloseOk())
            client.openChannel(1)
        },
        MethodConversation("channel.close-ok", "frees a channel that the broker has closed") { broker in
            let client = broker.connect()
            client.send(QueueDeclare(queue: "nothing", passive: true))
            client.expect(
                ChannelClose(
                    replyCode: 404, replyText: "NOT_FOUND - no queue 'nothing' in vhost '/'", classID: 50,
                    methodID: 10))
            client.send(QueueDeclare(queue: "q"))
            client.publish("dropped", routingKey: "q")
            client.expectNothing()
            client.send(ChannelCloseOk())
            client.openChannel(1)
            client.declare(QueueDeclare(queue: "q"))
        },
        .refusedOnChannel(ChannelCloseOk()),
    ]
}

@Test("access", arguments: AccessConversations.all)
func accessClass(_ conversation: MethodConversation) { conversation.run() }

enum AccessConversations {
    static let all: [MethodConversation] = [
        MethodConversation("access.request", "grants ticket 1") { broker in
            let client = broker.connect()
            client.request(AccessRequest(realm: "/data", active: true, read: true), AccessRequestOk(ticket: 1))
        },
        MethodConversation("access.request", "on a channel that is not open is refused") { broker in
            let client = broker.connect()
            client.send(AccessRequest(realm: "/data"), channel: 2)
            client.expectClose(504, "CHANNEL_ERROR - expected 'channel.open'", of: AccessRequest.self)
        },
        .refusedOnChannel(AccessRequestOk(ticket: 1)),
    ]
}

@Test("confirm", arguments: ConfirmConversations.all)
func confirmClass(_ conversation: MethodConversation) { conversation.run() }

enum ConfirmConversations {
    static let all: [MethodConversation] = [
        MethodConversation("confirm.select", "is answered, also for the second time") { broker in
            let client = broker.connect()
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("nowhere", routingKey: "nobody")
            client.expect(BasicAck(deliveryTag: 1))
        },
        MethodConversation("confirm.select", "with nowait is not answered") { broker in
            let client = broker.connect()
            client.publish("before", routingKey: "nobody")
            client.send(ConfirmSelect(noWait: true))
            client.expectNothing()
            client.publish("nowhere", routingKey: "nobody")
            client.expect(BasicAck(deliveryTag: 1))
        },
        MethodConversation("confirm.select", "on a channel that is not open is refused") { broker in
            let client = broker.connect()
            client.send(ConfirmSelect(), channel: 2)
            client.expectClose(504, "CHANNEL_ERROR - expected 'channel.open'", of: ConfirmSelect.self)
        },
        .refusedOnChannel(ConfirmSelectOk()),
    ]
}

@Test("tx", arguments: TxConversations.all)
func txClass(_ conversation: MethodConversation) { conversation.run() }

enum TxConversations {
    static let all: [MethodConversation] = [
        MethodConversation("tx.select", "is answered, also for the second time") { broker in
            let client = broker.connect()
            client.request(TxSelect(), TxSelectOk())
            client.request(TxSelect(), TxSelectOk())
        },
        MethodConversation("tx.select", "on a channel with confirms is refused") { broker in
            let client = broker.connect()
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.send(TxSelect())
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode", of: TxSelect.self)
        },
        MethodConversation("confirm.select", "on a channel with transactions is refused") { broker in
            let client = broker.connect()
            client.request(TxSelect(), TxSelectOk())
            client.send(ConfirmSelect())
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - cannot switch from tx to confirm mode", of: ConfirmSelect.self)
        },
        MethodConversation("tx.commit", "delivers what was published") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.request(TxSelect(), TxSelectOk())
            client.publish("one", routingKey: "q")
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
            client.request(TxCommit(), TxCommitOk())
            client.get(expecting: "one", tag: 1)
        },
        MethodConversation("tx.rollback", "forgets what was published") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.request(TxSelect(), TxSelectOk())
            client.publish("one", routingKey: "q")
            client.request(TxRollback(), TxRollbackOk())
            client.request(TxCommit(), TxCommitOk())
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        },
        MethodConversation("tx.commit", "without tx.select is refused") { broker in
            let client = broker.connect()
            client.send(TxCommit())
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - channel is not transactional", of: TxCommit.self)
        },
        MethodConversation("tx.rollback", "without tx.select is refused") { broker in
            let client = broker.connect()
            client.send(TxRollback())
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - channel is not transactional", of: TxRollback.self)
        },
        .refusedOnChannel(TxSelectOk()), .refusedOnChannel(TxCommitOk()), .refusedOnChannel(TxRollbackOk()),
    ]
}

extension MethodConversation {
    /// What only the broker sends, or what answers nothing: RabbitMQ's channel has no clause for it.
    static func refusedOnChannel<Refused: WireMethod>(_ method: Refused) -> MethodConversation {
        MethodConversation(Refused.name, "from a client is refused") { broker in
            let client = broker.connect()
            let bystander = broker.connect()
            client.send(method)
            client.expectClose(503, "COMMAND_INVALID - unimplemented method", of: Refused.self)
            bystander.declare(QueueDeclare(queue: "still here"))
        }
    }
}
