import AMQPWire

/// One of each method, every field different from its default.
enum MethodSamples {
    static let all: [Method] = connection + channel + access + exchange + queue + basic + confirm + transaction

    private static let table: FieldTable = [
        "x-queue-type": .string("classic"), "x-max-length": .int32(1000),
        "nested": .table(["list": .array([.bool(true), .void])]),
    ]

    private static let connection: [Method] = [
        .connectionStart(
            ConnectionStart(
                versionMajor: 9, versionMinor: 1, serverProperties: table, mechanisms: ascii("PLAIN AMQPLAIN"),
                locales: ascii("en_US"))),
        .connectionStartOk(
            ConnectionStartOk(
                clientProperties: table, mechanism: "PLAIN", response: ascii("\0guest\0guest"), locale: "en_US")),
        .connectionSecure(ConnectionSecure(challenge: [1, 2, 3])),
        .connectionSecureOk(ConnectionSecureOk(response: [4, 5])),
        .connectionTune(ConnectionTune(channelMax: 2047, frameMax: 131_072, heartbeat: 60)),
        .connectionTuneOk(ConnectionTuneOk(channelMax: 1, frameMax: 4096, heartbeat: 10)),
        .connectionOpen(ConnectionOpen(virtualHost: "/")),
        .connectionOpenOk(ConnectionOpenOk()),
        .connectionClose(
            ConnectionClose(replyCode: 320, replyText: "CONNECTION_FORCED - bye", classID: 60, methodID: 40)),
        .connectionCloseOk(ConnectionCloseOk()),
        .connectionBlocked(ConnectionBlocked(reason: "low on memory")),
        .connectionUnblocked(ConnectionUnblocked()),
        .connectionUpdateSecret(ConnectionUpdateSecret(newSecret: ascii("token"), reason: "expiry")),
        .connectionUpdateSecretOk(ConnectionUpdateSecretOk()),
    ]

    private static let channel: [Method] = [
        .channelOpen(ChannelOpen()),
        .channelOpenOk(ChannelOpenOk()),
        .channelFlow(ChannelFlow(active: true)),
        .channelFlowOk(ChannelFlowOk(active: true)),
        .channelClose(ChannelClose(replyCode: 404, replyText: "NOT_FOUND", classID: 50, methodID: 10)),
        .channelCloseOk(ChannelCloseOk()),
    ]

    private static let access: [Method] = [
        .accessRequest(
            AccessRequest(realm: "/data", exclusive: true, passive: true, active: true, write: true, read: true)),
        .accessRequestOk(AccessRequestOk(ticket: 1)),
    ]

    private static let exchange: [Method] = [
        .exchangeDeclare(
            ExchangeDeclare(
                exchange: "events", type: "topic", passive: true, durable: true, autoDelete: true, internal: true,
                noWait: true, arguments: table)),
        .exchangeDeclareOk(ExchangeDeclareOk()),
        .exchangeDelete(ExchangeDelete(exchange: "events", ifUnused: true, noWait: true)),
        .exchangeDeleteOk(ExchangeDeleteOk()),
        .exchangeBind(
            ExchangeBind(destination: "copy", source: "events", routingKey: "a.#", noWait: true, arguments: table)),
        .exchangeBindOk(ExchangeBindOk()),
        .exchangeUnbind(
            ExchangeUnbind(destination: "copy", source: "events", routingKey: "a.#", noWait: true, arguments: table)),
        .exchangeUnbindOk(ExchangeUnbindOk()),
    ]

    private static let queue: [Method] = [
        .queueDeclare(
            QueueDeclare(
                queue: "jobs", passive: true, durable: true, exclusive: true, autoDelete: true, noWait: true,
                arguments: table)),
        .queueDeclareOk(QueueDeclareOk(queue: "jobs", messageCount: 70_000, consumerCount: 3)),
        .queueBind(
            QueueBind(queue: "jobs", exchange: "events", routingKey: "a.*", noWait: true, arguments: table)),
        .queueBindOk(QueueBindOk()),
        .queueUnbind(QueueUnbind(queue: "jobs", exchange: "events", routingKey: "a.*", arguments: table)),
        .queueUnbindOk(QueueUnbindOk()),
        .queuePurge(QueuePurge(queue: "jobs", noWait: true)),
        .queuePurgeOk(QueuePurgeOk(messageCount: 5)),
        .queueDelete(QueueDelete(queue: "jobs", ifUnused: true, ifEmpty: true, noWait: true)),
        .queueDeleteOk(QueueDeleteOk(messageCount: 6)),
    ]

    private static let basic: [Method] = [
        .basicQos(BasicQos(prefetchSize: 1, prefetchCount: 250, global: true)),
        .basicQosOk(BasicQosOk()),
        .basicConsume(
            BasicConsume(
                queue: "jobs", consumerTag: "c1", noLocal: true, noAck: true, exclusive: true, noWait: true,
                arguments: table)),
        .basicConsumeOk(BasicConsumeOk(consumerTag: "c1")),
        .basicCancel(BasicCancel(consumerTag: "c1", noWait: true)),
        .basicCancelOk(BasicCancelOk(consumerTag: "c1")),
        .basicPublish(BasicPublish(exchange: "events", routingKey: "a.b", mandatory: true, immediate: true)),
        .basicReturn(BasicReturn(replyCode: 312, replyText: "NO_ROUTE", exchange: "events", routingKey: "a.b")),
        .basicDeliver(
            BasicDeliver(
                consumerTag: "c1", deliveryTag: 1 << 40, redelivered: true, exchange: "events", routingKey: "a.b")),
        .basicGet(BasicGet(queue: "jobs", noAck: true)),
        .basicGetOk(
            BasicGetOk(deliveryTag: 9, redelivered: true, exchange: "events", routingKey: "a.b", messageCount: 4)),
        .basicGetEmpty(BasicGetEmpty()),
        .basicAck(BasicAck(deliveryTag: .max, multiple: true)),
        .basicReject(BasicReject(deliveryTag: 2, requeue: true)),
        .basicRecoverAsync(BasicRecoverAsync(requeue: true)),
        .basicRecover(BasicRecover(requeue: true)),
        .basicRecoverOk(BasicRecoverOk()),
        .basicNack(BasicNack(deliveryTag: 3, multiple: true, requeue: true)),
    ]

    private static let confirm: [Method] = [
        .confirmSelect(ConfirmSelect(noWait: true)),
        .confirmSelectOk(ConfirmSelectOk()),
    ]

    private static let transaction: [Method] = [
        .txSelect(TxSelect()), .txSelectOk(TxSelectOk()), .txCommit(TxCommit()), .txCommitOk(TxCommitOk()),
        .txRollback(TxRollback()), .txRollbackOk(TxRollbackOk()),
    ]
}
