import AMQPWire

/// By what protocol somebody logs in, in RabbitMQ's words.
package enum LoginProtocol: String, Sendable, CaseIterable {
    case amqp = "amqp091"
    case http
}

/// How often logins were tried, since the start or since an administrator began to count anew.
package struct LoginCounts: Hashable, Sendable {
    package var succeeded: UInt64 = 0
    package var failed: UInt64 = 0

    package init(succeeded: UInt64 = 0, failed: UInt64 = 0) {
        self.succeeded = succeeded
        self.failed = failed
    }

    package var total: UInt64 { succeeded &+ failed }

    mutating func count(_ isAccepted: Bool) {
        if isAccepted { succeeded &+= 1 } else { failed &+= 1 }
    }
}

/// Who has tried to log in, and from where.
package struct LoginSource: Hashable, Sendable {
    package let remoteAddress: String
    /// Cut to 255 bytes, and empty where the source is one of too many.
    package let user: ShortString
    package let loginProtocol: LoginProtocol
}

/// Attempts to log in, in all and by their source.
struct LoginAttempts {
    private(set) var totals: [LoginProtocol: LoginCounts] = [:]
    private(set) var sources: [LoginSource: LoginCounts] = [:]

    mutating func count(_ source: LoginSource, isAccepted: Bool) {
        totals[source.loginProtocol, default: LoginCounts()].count(isAccepted)
        var source = source
        if sources[source] == nil, sources.count >= Limit.loginSources {
            // Somebody tries names, or comes from everywhere: the rest is counted together.
            source = LoginSource(remoteAddress: "", user: "", loginProtocol: source.loginProtocol)
        }
        sources[source, default: LoginCounts()].count(isAccepted)
    }

    mutating func resetSources() { sources = [:] }
}

/// What came of an attempt to log in.
package enum LoginOutcome: Sendable {
    case accepted(UserRecord)
    /// With the reason in RabbitMQ's words: for the log, never for the client.
    case refused(reason: String)
}

extension ControlPlane {
    /// Whether somebody is who they say. The same work is done for names that nobody has.
    ///
    /// A refusal should be answered late, so that guessing takes its time: that is the caller's to do.
    package func authenticate(
        name: [UInt8], password: [UInt8], from remoteAddress: String, isLoopback: Bool, by loginProtocol: LoginProtocol
    ) -> LoginOutcome {
        let isName = name.count <= ShortString.byteLimit
        let shortName = ShortString(bytes: Array(name.prefix(ShortString.byteLimit)))
        let user = isName ? self.user(named: shortName) : nil
        let reason = refusal(of: user, name: shortName, password, isLoopback: isLoopback)
        let source = LoginSource(remoteAddress: remoteAddress, user: shortName, loginProtocol: loginProtocol)
        _ = try? withTopology { $0.logins.count(source, isAccepted: reason == nil) }
        guard reason == nil, let user else { return .refused(reason: reason ?? "") }
        return .accepted(user)
    }

    private func refusal(
        of user: UserRecord?, name: ShortString, _ password: [UInt8], isLoopback: Bool
    ) -> String? {
        let isVerified = settings.passwords.verify(password, of: user)
        if password.isEmpty {
            return "user '\(name)' attempted to log in with a blank password, which is prohibited by the internal "
                + "authN backend"
        }
        guard user != nil, isVerified else { return "user '\(name)' - invalid credentials" }
        if !isLoopback, settings.loopbackUsers.contains(name.description) {
            return "user '\(name)' can only connect via localhost"
        }
        return nil
    }

    /// Attempts since the start, by protocol.
    package var loginCounts: [LoginProtocol: LoginCounts] {
        let counts = try? withTopology { $0.logins.totals }
        return counts ?? [:]
    }

    /// Attempts since the start, or since `resetLoginSources`, by who tried from where.
    package var loginSources: [LoginSource: LoginCounts] {
        let sources = try? withTopology { $0.logins.sources }
        return sources ?? [:]
    }

    package func resetLoginSources() { try? withTopology { $0.logins.resetSources() } }
}
