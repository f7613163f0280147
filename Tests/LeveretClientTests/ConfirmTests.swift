import AMQPWire
import Testing

@testable import LeveretClient

@Suite struct ConfirmTests {
    private func confirming() throws -> Conversation {
        var talk = Conversation()
        try talk.machine.request(Request(id: 5, method: .confirmSelect(ConfirmSelect())), number: 1, channel: 1)
        talk.receive(.confirmSelectOk(ConfirmSelectOk()), on: 1)
        _ = talk.sent()
        _ = talk.actions()
        return talk
    }

    private func ack(_ tag: UInt64, multiple: Bool = false) -> Method {
        .basicAck(BasicAck(deliveryTag: tag, multiple: multiple))
    }

    @Test func eachConfirmAnswersItsPublisher() throws {
        var talk = try confirming()
        for waiter in [11, 12, 13] as [RequestID] { #expect(try talk.publish(waiter: waiter)) }
        talk.receive(ack(2), on: 1)
        #expect(talk.actions() == [.succeeded(12, .confirmed)])
        talk.receive(ack(1), on: 1)
        talk.receive(.basicNack(BasicNack(deliveryTag: 3)), on: 1)
        #expect(talk.actions() == [.succeeded(11, .confirmed), .failed(13, .nacked)])
    }

    @Test func multipleConfirmAnswersAllUpToIt() throws {
        var talk = try confirming()
        for waiter in [11, 12, 13, 14] as [RequestID] { #expect(try talk.publish(waiter: waiter)) }
        talk.receive(ack(2), on: 1)
        talk.receive(ack(3, multiple: true), on: 1)
        #expect(
            talk.actions() == [.succeeded(12, .confirmed), .succeeded(11, .confirmed), .succeeded(13, .confirmed)])
        talk.receive(ack(0, multiple: true), on: 1)
        #expect(talk.actions() == [.succeeded(14, .confirmed)])
    }

    @Test(arguments: [(1, false), (7, false), (UInt64.max, false), (UInt64.max, true), (0, true), (0, false)])
    func strangeNumbersAreHarmless(tag: UInt64, multiple: Bool) throws {
        var talk = try confirming()
        talk.receive(ack(tag, multiple: multiple), on: 1)
        #expect(talk.actions().isEmpty)
        #expect(try talk.publish(waiter: 11))
        talk.receive(ack(1), on: 1)
        talk.receive(ack(1), on: 1)
        #expect(talk.actions() == [.succeeded(11, .confirmed)])
    }

    @Test func drainWaitsForEverythingBefore() throws {
        var talk = try confirming()
        try talk.machine.awaitConfirms(request: 20, number: 1, channel: 1)
        #expect(talk.actions() == [.succeeded(20, .confirmed)])
        for _ in 0..<3 { #expect(try talk.publish()) }
        try talk.machine.awaitConfirms(request: 21, number: 1, channel: 1)
        #expect(try talk.publish())
        talk.receive(ack(2), on: 1)
        talk.receive(ack(3), on: 1)
        #expect(talk.actions().isEmpty)
        talk.receive(ack(1), on: 1)
        #expect(talk.actions() == [.succeeded(21, .confirmed)])
        talk.receive(.basicNack(BasicNack(deliveryTag: 4)), on: 1)
        try talk.machine.awaitConfirms(request: 22, number: 1, channel: 1)
        #expect(talk.actions() == [.failed(22, .nacked)])
    }

    @Test func longWindowStaysInOrder() throws {
        var talk = try confirming()
        for waiter in 1...5000 as ClosedRange<RequestID> {
            #expect(try talk.publish(waiter: waiter))
            if waiter % 3 == 0 { talk.receive(ack(waiter, multiple: true), on: 1) }
        }
        talk.receive(ack(5000, multiple: true), on: 1)
        #expect(talk.actions() == (1...5000).map { .succeeded($0, .confirmed) })
    }

    @Test func returnedMessageAnswersItsPublisher() throws {
        var talk = try confirming()
        #expect(try talk.publish(waiter: 11, key: "k", body: [1], mandatory: true))
        #expect(try talk.publish(waiter: 12, key: "k", body: [2], mandatory: true))
        #expect(try talk.publish(waiter: 13, key: "other", body: [2], mandatory: true))
        let comesBack = Method.basicReturn(
            BasicReturn(replyCode: 312, replyText: "NO_ROUTE", exchange: "", routingKey: "k"))
        talk.receive(Conversation.content(comesBack, body: [2]))
        talk.receive(ack(3, multiple: true), on: 1)
        let actions = talk.actions()
        #expect(actions.failures == [12: .returned])
        #expect(actions.contains(.succeeded(11, .confirmed)))
        #expect(actions.contains(.succeeded(13, .confirmed)))
        #expect(!actions.contains(.succeeded(12, .confirmed)))
    }

    @Test func returnThatNobodyWaitsForIsHandedOn() throws {
        var talk = Conversation()
        #expect(try talk.publish(key: "k", body: [2], mandatory: true))
        let comesBack = Method.basicReturn(
            BasicReturn(replyCode: 312, replyText: "NO_ROUTE", exchange: "", routingKey: "k"))
        talk.receive(Conversation.content(comesBack, body: [2]))
        guard case .returned(1, let message) = talk.actions().first else {
            Issue.record("nothing returned")
            return
        }
        #expect(message.replyCode == 312)
        #expect(message.body == [2])
    }

    @Test func endOfTheChannelAnswersAllPublishers() throws {
        var talk = try confirming()
        for waiter in [11, 12] as [RequestID] { #expect(try talk.publish(waiter: waiter)) }
        try talk.machine.awaitConfirms(request: 13, number: 1, channel: 1)
        talk.machine.connectionLost()
        #expect(talk.actions().failures == [11: .connectionLost, 12: .connectionLost, 13: .connectionLost])
    }

    @Test func confirmsMustBeEnabled() {
        var talk = Conversation()
        #expect(throws: LeveretError.self) { try talk.publish(waiter: 11) }
        #expect(talk.sent() == [])
    }

    @Test func bodyIsCutIntoFrames() throws {
        var talk = Conversation()
        #expect(try talk.publish(body: [UInt8](repeating: 1, count: 20_000)))
        #expect(talk.sent() == ["basic.publish", "content header", "body 8184", "body 8184", "body 3632"])
        #expect(try talk.publish(body: []))
        #expect(talk.sent() == ["basic.publish", "content header"])
    }

    @Test func whatCannotBeSentLeavesNothingBehind() throws {
        var talk = Conversation()
        let long = String(repeating: "k", count: 256)
        #expect(throws: LeveretError.self) { try talk.publish(key: long) }
        var properties = BasicProperties()
        properties.headers = ["a": .longString([UInt8](repeating: 1, count: 9000))]
        let message = OutgoingMessage(
            exchange: "", routingKey: "k", isMandatory: false, properties: properties, body: [1])
        #expect(throws: LeveretError.self) {
            try talk.machine.publish(message, waiter: 0, number: 1, channel: 1)
        }
        #expect(talk.sent() == [])
    }
}
