import AMQPWire
import Broker
import Testing

// What clients usually do, and what they usually get.
extension ConversationClient {
    func shakeHands(
        capabilities: FieldTable = allCapabilities,
        tuneOk: ConnectionTuneOk = ConnectionTuneOk(channelMax: 2047, frameMax: 131_072, heartbeat: 0),
        virtualHost: ShortString = "/", user: String = "guest", sourceLocation: SourceLocation = #_sourceLocation
    ) {
        logIn(user: user, capabilities: capabilities, sourceLocation: sourceLocation)
        send(tuneOk, channel: 0)
        setFrameMax(tuneOk.frameMax)
        send(ConnectionOpen(virtualHost: virtualHost), channel: 0)
        expect(ConnectionOpenOk(), channel: 0, sourceLocation: sourceLocation)
    }

    /// Up to connection.tune. Users of tests have their names as passwords.
    func logIn(
        user: String = "guest", capabilities: FieldTable = allCapabilities,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        send(bytes: Self.protocolHeader)
        _ = expect(ConnectionStart.self, channel: 0, sourceLocation: sourceLocation)
        send(
            Self.startOk(response: Array("\0\(user)\0\(user)".utf8), capabilities: capabilities), channel: 0)
        _ = expect(ConnectionTune.self, channel: 0, sourceLocation: sourceLocation)
    }

    static func startOk(
        mechanism: ShortString = "PLAIN", response: [UInt8] = Array("\0guest\0guest".utf8),
        capabilities: FieldTable = allCapabilities
    ) -> ConnectionStartOk {
        ConnectionStartOk(
            clientProperties: ["capabilities": .table(capabilities)], mechanism: mechanism, response: response,
            locale: "en_US")
    }

    func openChannel(_ channel: UInt16, sourceLocation: SourceLocation = #_sourceLocation) {
        send(ChannelOpen(), channel: channel)
        expect(ChannelOpenOk(), channel: channel, sourceLocation: sourceLocation)
    }

    func closeChannel(_ channel: UInt16 = 1, sourceLocation: SourceLocation = #_sourceLocation) {
        send(ChannelClose(replyCode: 200, replyText: "OK"), channel: channel)
        expect(ChannelCloseOk(), channel: channel, sourceLocation: sourceLocation)
    }

    func close(sourceLocation: SourceLocation = #_sourceLocation) {
        send(ConnectionClose(replyCode: 200, replyText: "OK"), channel: 0)
        expect(ConnectionCloseOk(), channel: 0, sourceLocation: sourceLocation)
        expectClosedSocket(sourceLocation: sourceLocation)
    }

    /// A queue with its answer; empty names are not for this.
    func declare(_ declare: QueueDeclare, channel: UInt16 = 1, sourceLocation: SourceLocation = #_sourceLocation) {
        send(declare, channel: channel)
        expect(QueueDeclareOk(queue: declare.queue), channel: channel, sourceLocation: sourceLocation)
    }

    /// The queue `dead`, which gets what is published to amq.fanout.
    func declareDeadLetterQueue(sourceLocation: SourceLocation = #_sourceLocation) {
        declare(QueueDeclare(queue: "dead"), sourceLocation: sourceLocation)
        request(
            QueueBind(queue: "dead", exchange: "amq.fanout"), QueueBindOk(), sourceLocation: sourceLocation)
    }

    func consume(_ consume: BasicConsume, channel: UInt16 = 1, sourceLocation: SourceLocation = #_sourceLocation) {
        send(consume, channel: channel)
        expect(BasicConsumeOk(consumerTag: consume.consumerTag), channel: channel, sourceLocation: sourceLocation)
    }

    func request(
        _ asked: some WireMethod, _ answer: some WireMethod, channel: UInt16 = 1,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        send(asked, channel: channel)
        expect(answer, channel: channel, sourceLocation: sourceLocation)
    }

    // MARK: Content

    @discardableResult
    func expectDeliver(
        _ body: String, tag: UInt64, consumer: ShortString = "c", redelivered: Bool = false,
        exchange: ShortString = "", routingKey: ShortString = "q", channel: UInt16 = 1,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> BasicProperties {
        let method = BasicDeliver(
            consumerTag: consumer, deliveryTag: tag, redelivered: redelivered, exchange: exchange,
            routingKey: routingKey)
        return expectContent(method, body: Array(body.utf8), channel: channel, sourceLocation: sourceLocation)
    }

    /// basic.get and its basic.get-ok.
    @discardableResult
    func get(
        _ queue: ShortString = "q", expecting body: String, tag: UInt64, messageCount: UInt32 = 0,
        redelivered: Bool = false, exchange: ShortString = "", routingKey: ShortString? = nil, noAck: Bool = false,
        channel: UInt16 = 1, sourceLocation: SourceLocation = #_sourceLocation
    ) -> BasicProperties {
        send(BasicGet(queue: queue, noAck: noAck), channel: channel)
        let method = BasicGetOk(
            deliveryTag: tag, redelivered: redelivered, exchange: exchange, routingKey: routingKey ?? queue,
            messageCount: messageCount)
        return expectContent(method, body: Array(body.utf8), channel: channel, sourceLocation: sourceLocation)
    }

    func expectReturn(
        _ body: String, exchange: ShortString = "", routingKey: ShortString, channel: UInt16 = 1,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let method = BasicReturn(
            replyCode: 312, replyText: "NO_ROUTE", exchange: exchange, routingKey: routingKey)
        expectContent(method, body: Array(body.utf8), channel: channel, sourceLocation: sourceLocation)
    }

    // MARK: Closes

    /// connection.close with this text, for this method (none: 0, 0). The client answers, and the socket ends.
    func expectClose(
        _ code: UInt16, _ text: String, of method: (any WireMethod.Type)? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        expectCloseOnly(code, text, of: method, sourceLocation: sourceLocation)
        expectOpenSocket(sourceLocation: sourceLocation)
        send(ConnectionCloseOk(), channel: 0)
        expectClosedSocket(sourceLocation: sourceLocation)
    }

    /// connection.close, and nothing said about what follows.
    func expectCloseOnly(
        _ code: UInt16, _ text: String, of method: (any WireMethod.Type)? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        expect(
            ConnectionClose(
                replyCode: code, replyText: ShortString(truncating: text), classID: method?.classID ?? 0,
                methodID: method?.methodID ?? 0),
            channel: 0, sourceLocation: sourceLocation)
    }

    /// channel.close with this text, for this method. The client answers, and the number is free.
    func expectChannelClose(
        _ code: UInt16, _ text: String, of method: any WireMethod.Type, channel: UInt16 = 1,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        expect(
            ChannelClose(
                replyCode: code, replyText: ShortString(truncating: text), classID: method.classID,
                methodID: method.methodID),
            channel: channel, sourceLocation: sourceLocation)
        send(ChannelCloseOk(), channel: channel)
        openChannel(channel, sourceLocation: sourceLocation)
    }
}
