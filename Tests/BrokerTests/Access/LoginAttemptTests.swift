import AMQPWire
import Synchronization
import Testing

@testable import Broker

/// Attempts to log in: what is counted, what a guess costs, and what is said to whom.
@Suite struct LoginAttemptTests {
    private func attempt(
        _ controlPlane: ControlPlane, _ name: String, _ password: String, from address: String = "10.0.0.1"
    ) -> LoginOutcome {
        controlPlane.authenticate(
            name: Array(name.utf8), password: Array(password.utf8), from: address, isLoopback: true, by: .http)
    }

    private func startLogin(_ broker: Conversation, password: String) -> ConversationClient {
        let client = broker.accept()
        client.send(bytes: ConversationClient.protocolHeader)
        _ = client.expect(ConnectionStart.self, channel: 0)
        client.send(ConversationClient.startOk(response: Array("\0guest\0\(password)".utf8)), channel: 0)
        return client
    }

    @Test func attemptsAreCountedByProtocolAndSource() {
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        guard case .accepted(let user) = attempt(controlPlane, "guest", "guest") else {
            Issue.record("guest was refused")
            return
        }
        #expect(user.name == "guest")
        for password in ["wrong", "", "guest2"] {
            guard case .refused = attempt(controlPlane, "guest", password) else {
                Issue.record("'\(password)' was accepted")
                return
            }
        }
        _ = attempt(controlPlane, "guest", "guest", from: "10.0.0.2")
        #expect(controlPlane.loginCounts == [.http: LoginCounts(succeeded: 2, failed: 3)])
        func source(_ address: String) -> LoginSource {
            LoginSource(remoteAddress: address, user: "guest", loginProtocol: .http)
        }
        #expect(
            controlPlane.loginSources == [
                source("10.0.0.1"): LoginCounts(succeeded: 1, failed: 3),
                source("10.0.0.2"): LoginCounts(succeeded: 1, failed: 0),
            ])
        controlPlane.resetLoginSources()
        #expect(controlPlane.loginSources == [:])
        #expect(controlPlane.loginCounts[.http]?.total == 5)
    }

    @Test func theReasonIsInTheWordsOfRabbitMQ() {
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        func reason(_ name: String, _ password: String, isLoopback: Bool = true) -> String? {
            let outcome = controlPlane.authenticate(
                name: Array(name.utf8), password: Array(password.utf8), from: "::1", isLoopback: isLoopback, by: .amqp)
            return if case .refused(let reason) = outcome { reason } else { nil }
        }
        #expect(reason("guest", "wrong") == "user 'guest' - invalid credentials")
        #expect(reason("nobody", "wrong") == "user 'nobody' - invalid credentials")
        #expect(reason("guest", "")?.hasPrefix("user 'guest' attempted to log in with a blank password") == true)
        #expect(reason("guest", "guest", isLoopback: false) == "user 'guest' can only connect via localhost")
        #expect(reason("guest", "guest") == nil)
    }

    /// Somebody who tries names fills no memory.
    @Test func sourcesAreBounded() {
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        let count = Limit.loginSources + 100
        for number in 0..<count { _ = attempt(controlPlane, "user\(number)", "x") }
        let sources = controlPlane.loginSources
        #expect(sources.count == Limit.loginSources + 1)
        let rest = LoginSource(remoteAddress: "", user: "", loginProtocol: .http)
        #expect(sources[rest] == LoginCounts(succeeded: 0, failed: 100))
        #expect(controlPlane.loginCounts[.http]?.failed == UInt64(count))
    }

    /// The same work is done for a user who is not there, so that time tells nothing.
    @Test func unknownUsersCostTheSameWork() throws {
        let log = DigestLog()
        var access = AccessSettings()
        access.passwords = PasswordFunctions(
            digest: { hashing, bytes in
                log.note(hashing, bytes.count)
                return [UInt8](repeating: 7, count: 32)
            }, salt: { [1, 2, 3, 4] })
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/", access: access)
        try controlPlane.putUser(UserRecord(name: "unhashed"))
        for name in ["guest", "nobody", "unhashed"] {
            _ = log.take()
            _ = attempt(controlPlane, name, "secret")
            #expect(log.take() == ["sha256 10"], "\(name)")
        }
    }

    @Test func aRefusedLoginIsAnsweredLate() {
        converse { broker in
            let client = startLogin(broker, password: "wrong")
            let text =
                "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker "
                + "logfile."
            broker.expectRefusedLogin(of: client, text)
            broker.expectNote(
                .error, containing: "state starting: PLAIN login refused: user 'guest' - invalid credentials")
            #expect(!broker.notes.contains { $0.text.contains("wrong") })
            // Who goes before the answer is not waited for.
            startLogin(broker, password: "wrong").endSocket()
            broker.advance(milliseconds: 5_000)
            #expect(broker.shards[0].refusedLoginCount == 0)
            #expect(broker.controlPlane.loginCounts[.amqp] == LoginCounts(succeeded: 0, failed: 2))
        }
    }

    @Test func refusedLoginsThatWaitAreBounded() {
        converse { broker in
            let waiting = (0..<Limit.refusedLogins).map { _ in startLogin(broker, password: "wrong") }
            #expect(broker.shards[0].refusedLoginCount == Limit.refusedLogins)
            let late = startLogin(broker, password: "wrong")
            late.expectNothing()
            late.expectClosedSocket()
            // Who knows the password comes in.
            let welcome = startLogin(broker, password: "guest")
            _ = welcome.expect(ConnectionTune.self, channel: 0)
            for client in waiting { client.endSocket() }
            #expect(broker.shards[0].refusedLoginCount == 0)
            startLogin(broker, password: "wrong").expectOpenSocket()
        }
    }

    @Test func updateSecretTakesAnySecretAndChangesNoPassword() {
        converse { broker in
            broker.addUser("u")
            let client = broker.connect(user: "u")
            for secret in ["u", "another", ""] {
                client.send(ConnectionUpdateSecret(newSecret: Array(secret.utf8), reason: "renewal"), channel: 0)
                client.expect(ConnectionUpdateSecretOk(), channel: 0)
            }
            _ = broker.connect(user: "u")
        }
    }
}

/// Which digests were made.
private final class DigestLog: Sendable {
    private let entries = Mutex<[String]>([])

    func note(_ hashing: PasswordHashing, _ byteCount: Int) {
        entries.withLock { $0.append("\(hashing) \(byteCount)") }
    }

    func take() -> [String] {
        entries.withLock { entries in
            defer { entries = [] }
            return entries
        }
    }
}
