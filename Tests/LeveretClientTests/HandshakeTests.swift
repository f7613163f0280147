import AMQPWire
import Testing

@testable import LeveretClient

@Suite struct HandshakeTests {
    @Test func handshakeNegotiatesTheSmallerLimits() {
        var talk = Conversation(ConnectionOptions(heartbeatSeconds: 20), isOpen: false)
        talk.machine.open(request: 1, now: 0)
        #expect(talk.sent() == ["header"])
        talk.receive(.connectionStart(Conversation.start))
        #expect(talk.sent() == ["connection.start-ok"])
        talk.receive(.connectionTune(ConnectionTune(channelMax: 10, frameMax: 8192, heartbeat: 60)))
        #expect(talk.sent() == ["connection.tune-ok", "connection.open"])
        talk.receive(.connectionOpenOk(ConnectionOpenOk()))
        #expect(talk.actions() == [.succeeded(1, .method(.connectionOpenOk(ConnectionOpenOk())))])
        #expect(talk.machine.channelMax == 10)
        #expect(talk.machine.frameMax == 8192)
        #expect(talk.machine.heartbeatSeconds == 20)
    }

    @Test(arguments: [(0, 60, 60), (30, 0, 0), (30, 60, 30), (0, 0, 0)] as [(UInt16, UInt16, UInt16)])
    func heartbeatIsTheShorterAndZeroOfTheClientSwitchesItOff(server: UInt16, client: UInt16, expected: UInt16) {
        let talk = Conversation(
            ConnectionOptions(heartbeatSeconds: client),
            tune: ConnectionTune(channelMax: 0, frameMax: 0, heartbeat: server))
        #expect(talk.machine.heartbeatSeconds == expected)
        #expect(talk.machine.frameMax == 131_072)
        #expect(talk.machine.channelMax == 2047)
    }

    @Test func handshakeWorksByteByByte() {
        var talk = Conversation(isOpen: false)
        talk.machine.open(request: 1, now: 0)
        let bytes = Conversation.bytes { buffer in
            Method.connectionStart(Conversation.start).writeFrame(channel: 0, to: &buffer)
            Method.connectionTune(Conversation.tune).writeFrame(channel: 0, to: &buffer)
            Method.connectionOpenOk(ConnectionOpenOk()).writeFrame(channel: 0, to: &buffer)
        }
        for byte in bytes { talk.receive([byte]) }
        #expect(talk.machine.phase == .running)
    }

    @Test func otherProtocolIsNamed() {
        var talk = Conversation(isOpen: false)
        talk.machine.open(request: 1, now: 0)
        talk.receive(Array("AMQP".utf8) + [0, 1, 0, 0])
        let actions = talk.actions()
        #expect(actions.failures == [1: .handshakeFailed])
        #expect(actions.endCode == .handshakeFailed)
        // Whoever speaks another protocol gets no method.
        #expect(talk.sent() == ["header"])
    }

    @Test func refusedLoginIsNamed() {
        var talk = Conversation(isOpen: false)
        talk.machine.open(request: 1, now: 0)
        talk.receive(.connectionStart(Conversation.start))
        talk.receive(.connectionClose(ConnectionClose(replyCode: 403, replyText: "ACCESS_REFUSED - no")))
        #expect(talk.actions().failures == [1: .loginRefused])
        #expect(talk.sent().last == "connection.close-ok")
    }

    @Test func socketThatEndsDuringLoginIsARefusal() {
        var talk = Conversation(isOpen: false)
        talk.machine.open(request: 1, now: 0)
        talk.receive(.connectionStart(Conversation.start))
        talk.machine.connectionLost()
        #expect(talk.actions().failures == [1: .loginRefused])
    }

    @Test func missingVirtualHostIsTheBrokersWord() {
        var talk = Conversation(isOpen: false)
        talk.machine.open(request: 1, now: 0)
        talk.receive(.connectionStart(Conversation.start))
        talk.receive(.connectionTune(Conversation.tune))
        talk.receive(
            .connectionClose(
                ConnectionClose(replyCode: 530, replyText: "NOT_ALLOWED - vhost x not found", classID: 10, methodID: 40)
            ))
        guard case .failed(1, let error) = talk.actions().first else {
            Issue.record("no failure")
            return
        }
        #expect(error.code == .connectionClosedByServer)
        #expect(error.replyCode == 530)
        #expect(error.method == "connection.open")
        #expect(error.description.contains("vhost x not found"))
    }

    @Test func brokerWithoutPasswordsIsRefused() {
        var talk = Conversation(isOpen: false)
        talk.machine.open(request: 1, now: 0)
        var start = Conversation.start
        start.mechanisms = Array("EXTERNAL".utf8)
        talk.receive(.connectionStart(start))
        #expect(talk.actions().failures == [1: .handshakeFailed])
    }

    @Test func handshakeDeadlineEndsOnlyAHandshake() {
        var talk = Conversation(isOpen: false)
        talk.machine.open(request: 1, now: 0)
        talk.machine.handshakeTimedOut()
        #expect(talk.actions().failures == [1: .handshakeFailed])

        var open = Conversation()
        open.machine.handshakeTimedOut()
        #expect(open.actions().isEmpty)
    }
}

@Suite struct HeartbeatTests {
    @Test func heartbeatIsSentInSilence() {
        var talk = Conversation()
        talk.machine.lastSentAt = 1000
        talk.machine.tick(now: 30_999, isReading: true)
        #expect(talk.sent() == [])
        talk.machine.tick(now: 31_000, isReading: true)
        #expect(talk.sent() == ["heartbeat"])
    }

    @Test func silenceOfTwoIntervalsEndsTheConnection() {
        var talk = Conversation()
        talk.receive(Conversation.bytes { $0.writeHeartbeatFrame() }, now: 1000)
        talk.machine.tick(now: 121_000, isReading: true)
        #expect(talk.actions().isEmpty)
        talk.machine.tick(now: 121_001, isReading: true)
        #expect(talk.actions().endCode == .heartbeatMissed)
    }

    @Test func silenceIsNoSignWhileNothingIsRead() {
        var talk = Conversation()
        talk.machine.tick(now: 1_000_000, isReading: false)
        talk.machine.tick(now: 1_120_000, isReading: true)
        #expect(talk.actions().isEmpty)
        talk.machine.tick(now: 1_120_001, isReading: true)
        #expect(talk.actions().endCode == .heartbeatMissed)
    }
}
