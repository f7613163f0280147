import AMQPWire
import Testing

@testable import LeveretClient

@Suite struct RequestTests {
    private func declare(_ id: RequestID, _ name: ShortString = "q") -> Request {
        Request(id: id, method: .queueDeclare(QueueDeclare(queue: name)))
    }

    @Test func synchronousMethodsGoOneAtATime() throws {
        var talk = Conversation()
        try talk.machine.request(declare(10), number: 1, channel: 1)
        try talk.machine.request(
            Request(id: 11, method: .queuePurge(QueuePurge(queue: "q"))), number: 1, channel: 1)
        #expect(talk.sent() == ["queue.declare"])
        let declared = Method.queueDeclareOk(QueueDeclareOk(queue: "q"))
        talk.receive(declared, on: 1)
        #expect(talk.actions() == [.succeeded(10, .method(declared))])
        #expect(talk.sent() == ["queue.purge"])
        let purged = Method.queuePurgeOk(QueuePurgeOk(messageCount: 3))
        talk.receive(purged, on: 1)
        #expect(talk.actions() == [.succeeded(11, .method(purged))])
    }

    @Test func prefetchIsSetBeforeTheConsumerStarts() throws {
        var talk = Conversation()
        var request = Request(id: 10, method: .basicConsume(BasicConsume(queue: "q", consumerTag: "c")))
        request.prelude = .basicQos(BasicQos(prefetchCount: 5))
        request.consumer = .init(id: 7, isAutoAck: false)
        try talk.machine.request(request, number: 1, channel: 1)
        #expect(talk.sent() == ["basic.qos"])
        talk.receive(.basicQosOk(BasicQosOk()), on: 1)
        #expect(talk.sent() == ["basic.consume"])
        #expect(talk.actions().isEmpty)
        talk.receive(.basicConsumeOk(BasicConsumeOk(consumerTag: "c")), on: 1)
        #expect(talk.actions().count == 1)
    }

    @Test(arguments: [
        Method.queueBindOk(QueueBindOk()), .basicGetEmpty(BasicGetEmpty()), .queueDeclare(QueueDeclare()),
        .connectionStart(Conversation.start),
    ])
    func wrongAnswerEndsTheConnection(answer: Method) throws {
        var talk = Conversation()
        try talk.machine.request(declare(10), number: 1, channel: 1)
        talk.receive(answer, on: answer.classID == 10 ? 0 : 1)
        let actions = talk.actions()
        #expect(actions.failures == [10: .protocolViolation])
        #expect(actions.endCode == .protocolViolation)
        #expect(talk.sent().last == "connection.close")
    }

    @Test func answerThatNobodyAskedForEndsTheConnection() {
        var talk = Conversation()
        talk.receive(.queueDeclareOk(QueueDeclareOk(queue: "q")), on: 1)
        #expect(talk.actions().endCode == .protocolViolation)
    }

    @Test func abandonedRequestInTheQueueIsNotSent() throws {
        var talk = Conversation()
        try talk.machine.request(declare(10), number: 1, channel: 1)
        try talk.machine.request(declare(11, "r"), number: 1, channel: 1)
        talk.machine.abandon(11)
        talk.receive(.queueDeclareOk(QueueDeclareOk(queue: "q")), on: 1)
        #expect(talk.sent() == ["queue.declare"])
    }

    @Test func abandonedConsumeIsCancelledAndItsDeliveriesGoBack() throws {
        var talk = Conversation()
        var request = Request(id: 10, method: .basicConsume(BasicConsume(queue: "q", consumerTag: "c")))
        request.consumer = .init(id: 7, isAutoAck: false)
        try talk.machine.request(request, number: 1, channel: 1)
        talk.machine.abandon(10)
        talk.receive(.basicConsumeOk(BasicConsumeOk(consumerTag: "c")), on: 1)
        talk.receive(Conversation.delivery(body: [1]))
        #expect(talk.sent() == ["basic.consume", "basic.cancel", "basic.nack"])
        talk.receive(.basicCancelOk(BasicCancelOk(consumerTag: "c")), on: 1)
        #expect(talk.actions().deliveredBodies.isEmpty)
    }

    @Test func abandonedGetPutsTheMessageBack() throws {
        var talk = Conversation()
        try talk.machine.request(Request(id: 10, method: .basicGet(BasicGet(queue: "q"))), number: 1, channel: 1)
        talk.machine.abandon(10)
        talk.receive(Conversation.content(.basicGetOk(BasicGetOk(deliveryTag: 1)), body: [1]))
        #expect(talk.sent() == ["basic.get", "basic.nack"])
    }

    @Test func abandonedChannelIsClosed() {
        var talk = Conversation()
        talk.machine.openChannel(request: 10)
        talk.machine.abandon(10)
        talk.receive(.channelOpenOk(ChannelOpenOk()), on: 2)
        #expect(talk.sent() == ["channel.open", "channel.close"])
        talk.receive(.channelCloseOk(ChannelCloseOk()), on: 2)
        talk.machine.openChannel(request: 11)
        talk.receive(.channelOpenOk(ChannelOpenOk()), on: 2)
        #expect(talk.actions().last == .succeeded(11, .opened(3, number: 2)))
    }

    @Test func channelsAreLimitedAndTheirNumbersUsedAgain() {
        var talk = Conversation(tune: ConnectionTune(channelMax: 2, frameMax: 8192, heartbeat: 0))
        talk.machine.openChannel(request: 10)
        talk.machine.openChannel(request: 11)
        #expect(talk.actions().failures == [11: .channelLimitReached])
        talk.machine.closeChannel(request: 12, number: 1, channel: 1)
        talk.receive(.channelCloseOk(ChannelCloseOk()), on: 1)
        talk.machine.openChannel(request: 13)
        talk.receive(.channelOpenOk(ChannelOpenOk()), on: 1)
        #expect(talk.actions().last == .succeeded(13, .opened(3, number: 1)))
    }

    @Test func methodLargerThanAFrameIsNotSent() {
        var talk = Conversation()
        let arguments: AMQPWire.FieldTable = ["a": .longString([UInt8](repeating: 1, count: 9000))]
        #expect(throws: LeveretError.self) {
            try talk.machine.request(
                Request(id: 10, method: .queueDeclare(QueueDeclare(queue: "q", arguments: arguments))), number: 1,
                channel: 1)
        }
        #expect(talk.sent() == [])
    }

    @Test func stoppedFlowHoldsPublishesBack() throws {
        var talk = Conversation()
        talk.receive(.channelFlow(ChannelFlow(active: false)), on: 1)
        #expect(try talk.publish() == false)
        #expect(talk.sent() == ["channel.flow-ok"])
        talk.receive(.channelFlow(ChannelFlow(active: true)), on: 1)
        #expect(talk.actions() == [.flowResumed])
        #expect(try talk.publish())
    }
}

@Suite struct ClosingTests {
    @Test func serversChannelCloseFailsWhatWaitsThere() throws {
        var talk = Conversation()
        try talk.addConsumer()
        try talk.machine.request(
            Request(id: 10, method: .queueDeclare(QueueDeclare(queue: "q"))), number: 1, channel: 1)
        try talk.machine.request(
            Request(id: 11, method: .queueDeclare(QueueDeclare(queue: "r"))), number: 1, channel: 1)
        talk.receive(
            .channelClose(
                ChannelClose(replyCode: 404, replyText: "NOT_FOUND - no queue", classID: 50, methodID: 10)), on: 1)
        let actions = talk.actions()
        #expect(actions.failures == [10: .channelClosedByServer, 11: .channelClosedByServer])
        guard case .consumerEnded(7, let error?) = actions.last else {
            Issue.record("the consumer did not end")
            return
        }
        #expect(error.replyCode == 404)
        #expect(error.method == "queue.declare")
        #expect(actions.endCode == nil)
        #expect(talk.sent() == ["queue.declare", "channel.close-ok"])
        #expect(throws: LeveretError.self) { try talk.publish() }
    }

    @Test func closeOfTheChannelWaitsForItsAnswerAndIgnoresTheRest() throws {
        var talk = Conversation()
        try talk.addConsumer()
        talk.machine.closeChannel(request: 10, number: 1, channel: 1)
        #expect(talk.sent() == ["channel.close"])
        talk.receive(Conversation.delivery(body: [1]))
        talk.receive(.queueDeclareOk(QueueDeclareOk(queue: "q")), on: 1)
        #expect(talk.actions().isEmpty)
        talk.receive(.channelCloseOk(ChannelCloseOk()), on: 1)
        #expect(
            talk.actions() == [
                .channelEnded(1, .closed), .succeeded(10, .closed), .consumerEnded(7, nil),
            ])
    }

    @Test func channelClosesThatCrossAreBothAnswered() {
        var talk = Conversation()
        talk.machine.closeChannel(request: 10, number: 1, channel: 1)
        talk.receive(.channelClose(ChannelClose(replyCode: 404, replyText: "NOT_FOUND")), on: 1)
        #expect(talk.actions().last == .succeeded(10, .closed))
        #expect(talk.sent() == ["channel.close", "channel.close-ok"])
    }

    @Test func closeOfTheConnectionEndsEverything() throws {
        var talk = Conversation()
        try talk.addConsumer()
        try talk.machine.request(
            Request(id: 10, method: .queueDeclare(QueueDeclare(queue: "q"))), number: 1, channel: 1)
        talk.machine.close(request: 11)
        #expect(talk.sent() == ["queue.declare", "connection.close"])
        #expect(
            talk.actions() == [.channelEnded(1, .closed), .failed(10, .closed), .consumerEnded(7, nil)])
        talk.receive(Conversation.delivery(body: [1]))
        talk.receive(.connectionCloseOk(ConnectionCloseOk()))
        #expect(talk.actions() == [.succeeded(11, .closed), .ended(.closed)])
        talk.machine.close(request: 12)
        #expect(talk.actions() == [.succeeded(12, .closed)])
    }

    @Test func serversCloseFailsEverything() throws {
        var talk = Conversation()
        try talk.addConsumer()
        try talk.machine.request(
            Request(id: 10, method: .queueDeclare(QueueDeclare(queue: "q"))), number: 1, channel: 1)
        talk.receive(.connectionClose(ConnectionClose(replyCode: 320, replyText: "CONNECTION_FORCED - bye")))
        let actions = talk.actions()
        #expect(actions.failures == [10: .connectionClosedByServer])
        #expect(actions.endCode == .connectionClosedByServer)
        #expect(talk.sent().last == "connection.close-ok")
    }

    @Test func lostSocketFailsEverything() throws {
        var talk = Conversation()
        try talk.machine.request(
            Request(id: 10, method: .queueDeclare(QueueDeclare(queue: "q"))), number: 1, channel: 1)
        talk.machine.connectionLost()
        let actions = talk.actions()
        #expect(actions.failures == [10: .connectionLost])
        #expect(actions.endCode == .connectionLost)
        talk.machine.openChannel(request: 11)
        #expect(talk.actions().failures == [11: .connectionLost])
    }

    @Test func lostSocketIsAnAnswerToClose() {
        var talk = Conversation()
        talk.machine.close(request: 10)
        talk.machine.connectionLost()
        #expect(talk.actions().contains(.succeeded(10, .closed)))
    }
}
