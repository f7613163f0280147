import Broker
import Logging
import Testing

@testable import Node

/// A configuration that depends on nothing of this machine but its cores.
private func configured(by text: String) throws(ConfigurationError) -> Configuration {
    var configuration = Configuration { _ in nil }
    try configuration.apply(ConfigurationFile(Array(text.utf8), name: "leveret.conf"))
    return configuration
}

/// The one line that a file is refused with.
private func refusal(of text: String) -> String? {
    do {
        _ = try configured(by: text)
        return nil
    } catch {
        return error.message
    }
}

@Suite struct ConfigurationTests {
    @Test func defaultsAreRabbitMQs() {
        let configuration = Configuration { _ in nil }
        #expect(configuration.listeners == [ListenAddress(host: "127.0.0.1", port: 5672)])
        #expect(configuration.httpPort == 15672)
        #expect(configuration.heartbeatSeconds == 60)
        #expect(configuration.frameMax == 131_072)
        #expect(configuration.channelMax == 2047)
        #expect(configuration.handshakeTimeoutMilliseconds == 10_000)
        #expect(configuration.maxMessageSize == 16_777_216)
        #expect(configuration.loopbackUsers == ["guest"])
        #expect(configuration.memoryLimit == .memoryShare(0.6))
        #expect(configuration.diskFreeLimit == .bytes(50_000_000))
        #expect(configuration.shardCount >= 1)
    }

    @Test(arguments: [
        (["XDG_STATE_HOME": "/state", "HOME": "/home/hare"], "/state/leveret"),
        (["XDG_STATE_HOME": "relative", "HOME": "/home/hare"], "/home/hare/.local/state/leveret"),
        (["HOME": "/home/hare"], "/home/hare/.local/state/leveret"),
        ([:], "/var/lib/leveret"),
    ])
    func dataDirectoryFollowsTheEnvironment(environment: [String: String], expected: String) {
        #expect(Configuration { environment[$0] }.dataDirectory == expected)
    }

    @Test func everyKeyIsRead() throws {
        let configuration = try configured(
            by: """
                management.tcp.ip = ::1
                management.tcp.port = 15673
                data_dir = /srv/leveret
                log.console.level = debug
                shards = 3
                leveret.connection_placement = spread
                leveret.cpu_latency_limit_microseconds = 20
                heartbeat = 0
                frame_max = 64KB
                channel_max = 10
                handshake_timeout = 5000
                max_message_size = 512MB
                server_product = RabbitMQ
                default_user = hare
                default_pass = 'a # b'
                default_vhost = meadow
                default_queue_type = quorum
                """)
        #expect(configuration.httpAddress == "::1")
        #expect(configuration.httpPort == 15673)
        #expect(configuration.dataDirectory == "/srv/leveret")
        #expect(configuration.logLevel == .debug)
        #expect(configuration.shardCount == 3)
        #expect(configuration.connectionPlacement == .spread)
        #expect(configuration.cpuLatencyLimitMicroseconds == 20)
        #expect(configuration.heartbeatSeconds == 0)
        #expect(configuration.frameMax == 65536)
        #expect(configuration.channelMax == 10)
        #expect(configuration.handshakeTimeoutMilliseconds == 5000)
        #expect(configuration.maxMessageSize == 536_870_912)
        #expect(configuration.serverProduct == "RabbitMQ")
        #expect(configuration.defaultUser == "hare")
        #expect(configuration.defaultPass == "a # b")
        #expect(configuration.defaultVHost == "meadow")
        #expect(configuration.defaultQueueType == .quorum)
    }

    @Test func autoShardsAreTheDefault() throws {
        #expect(try configured(by: "shards = auto").shardCount == Configuration().shardCount)
    }

    @Test func aliasIsTheSameKey() throws {
        #expect(try configured(by: "max_channels_per_connection = 12").channelMax == 12)
    }

    @Test(arguments: [
        ("memory_limit = 512MiB", ResourceLimit.bytes(536_870_912)),
        ("vm_memory_high_watermark.absolute = 2GB", .bytes(2_000_000_000)),
        ("vm_memory_high_watermark.relative = 0.4", .memoryShare(0.4)),
        ("memory_limit = 1GB\nvm_memory_high_watermark.relative = 0.4", .memoryShare(0.4)),
        ("vm_memory_high_watermark.relative = 0.4\nvm_memory_high_watermark.absolute = 2GB", .bytes(2_000_000_000)),
        ("vm_memory_high_watermark.absolute = 2GB\nmemory_limit = 1GB", .bytes(1_000_000_000)),
    ])
    func theLastMemoryLimitCounts(text: String, expected: ResourceLimit) throws {
        #expect(try configured(by: text).memoryLimit == expected)
    }

    @Test(arguments: [
        ("disk_free_limit.absolute = 1000000GB", ResourceLimit.bytes(1_000_000_000_000_000)),
        ("disk_free_limit.relative = 1.5", .memoryShare(1.5)),
        ("disk_free_limit.relative = 1.5\ndisk_free_limit.absolute = 1GiB", .bytes(1_073_741_824)),
        ("disk_free_limit.absolute = 1GiB\ndisk_free_limit.relative = 2", .memoryShare(2)),
    ])
    func theLastDiskLimitCounts(text: String, expected: ResourceLimit) throws {
        #expect(try configured(by: text).diskFreeLimit == expected)
    }

    @Test func ofALimitOnlyTheKeyThatHoldsIsInEffect() throws {
        func settings(_ text: String) throws -> [String: String] {
            Dictionary(uniqueKeysWithValues: try configured(by: text).effectiveSettings.map { ($0.key, $0.value) })
        }
        let defaults = try settings("")
        #expect(defaults["disk_free_limit.absolute"] == "50000000")
        #expect(defaults["disk_free_limit.relative"] == nil)
        #expect(defaults["vm_memory_high_watermark.relative"] == "0.6")
        let changed = try settings("disk_free_limit.relative = 1.5\nvm_memory_high_watermark.absolute = 1GiB")
        #expect(changed["disk_free_limit.absolute"] == nil && changed["disk_free_limit.relative"] == "1.5")
        #expect(changed["vm_memory_high_watermark.relative"] == nil)
    }

    @Test func limitsAreResolvedOnThisMachine() {
        var configuration = Configuration()
        #expect(1..<MemoryLimit.availableBytes ~= configuration.memoryLimitBytes)
        #expect(configuration.diskFreeLimitBytes == 50_000_000)
        // There is no more than there is; a disk may be larger.
        configuration.memoryLimit = .bytes(1 << 60)
        configuration.diskFreeLimit = .memoryShare(2)
        #expect(configuration.memoryLimitBytes == MemoryLimit.availableBytes)
        #expect(configuration.diskFreeLimitBytes == 2 * MemoryLimit.availableBytes)
    }

    @Test(arguments: [
        ("listeners.tcp.default = 5673", ["[::]:5673"]),
        ("listeners.tcp.1 = 127.0.0.1:5673\nlisteners.tcp.2 = ::1:5674", ["127.0.0.1:5673", "[::1]:5674"]),
        ("listeners.tcp.1 = [::1]:5673", ["[::1]:5673"]),
        ("listeners.tcp.1 = 5673\nlisteners.tcp.1 = 10.0.0.1:5674", ["10.0.0.1:5674"]),
        ("listeners.tcp.1 = 5673\nlisteners.tcp.2 = 5673", ["[::]:5673"]),
        ("heartbeat = 3", ["127.0.0.1:5672"]),
    ])
    func listenersOfAFileReplaceTheDefault(text: String, expected: [String]) throws {
        #expect(try configured(by: text).listeners.map(\.description) == expected)
    }

    @Test(arguments: [
        ("loopback_users.guest = false", []),
        ("loopback_users.guest = true", ["guest"]),
        ("loopback_users = none", []),
        ("loopback_users = none\nloopback_users.hare = true", []),
        ("loopback_users.hare = true", ["guest", "hare"]),
        (#"loopback_users.hare\.field = true"#, ["guest", "hare.field"]),
    ])
    func loopbackUsersAreAddedAndRemoved(text: String, expected: [String]) throws {
        #expect(try configured(by: text).loopbackUsers.sorted() == expected)
    }

    @Test func commandLineSetsEveryListener() throws {
        var configuration = try configured(by: "listeners.tcp.1 = 127.0.0.1:1\nlisteners.tcp.2 = 127.0.0.1:2")
        let port = try #require(ConfigurationKey.named("--port"))
        let bind = try #require(ConfigurationKey.named("--bind"))
        try port.apply("5673", to: &configuration, place: "--port", example: "")
        try bind.apply("::1", to: &configuration, place: "--bind", example: "")
        #expect(configuration.listeners == [ListenAddress(host: "::1", port: 5673)])
    }

    @Test func namesInTheTableAreUnique() {
        let names = ConfigurationKey.all.flatMap { [$0.name] + [$0.alias].compactMap { $0 } }
        #expect(Set(names).count == names.count)
    }

    @Test func everyExampleIsAccepted() {
        for key in ConfigurationKey.all { #expect(refusal(of: key.example) == nil, "\(key.name)") }
    }

    @Test func failedFileChangesNothing() throws {
        var configuration = Configuration { _ in nil }
        let file = try ConfigurationFile(Array("heartbeat = 3\nheartbeat_ = 3".utf8), name: "leveret.conf")
        #expect(throws: ConfigurationError.self) { try configuration.apply(file) }
        #expect(configuration == Configuration { _ in nil })
    }
}

@Suite struct ConfigurationErrorTests {
    @Test(arguments: [
        ("\nhartbeat = 60", "leveret.conf:2: unknown key 'hartbeat'; the nearest known key is 'heartbeat'"),
        (
            "listener.tcp.default = 1",
            "leveret.conf:1: unknown key 'listener.tcp.default'; the nearest known key is 'listeners.tcp.NAME'"
        ),
        (
            "max_chanels_per_connection = 1",
            "leveret.conf:1: unknown key 'max_chanels_per_connection'; "
                + "the nearest known key is 'max_channels_per_connection'"
        ),
        (
            "# x\n\nheartbeat = often",
            "leveret.conf:3: heartbeat: expected a whole number from 0 to 65535, found 'often'; "
                + "for example: heartbeat = 60"
        ),
        (
            "log.console.level = loud",
            "leveret.conf:1: log.console.level: expected one of trace, debug, info, notice, warning, error, critical, "
                + "found 'loud'; for example: log.console.level = info"
        ),
        (
            "listeners.tcp.default = localhost:5672",
            "leveret.conf:1: listeners.tcp.default: expected a port from 0 to 65535, or an IP address and a port, "
                + "found 'localhost:5672'; for example: listeners.tcp.default = 5672"
        ),
        (
            "loopback_users.guest = no",
            "leveret.conf:1: loopback_users.guest: expected true or false, found 'no'; "
                + "for example: loopback_users.guest = true"
        ),
        ("heartbeat 60", "leveret.conf:1: expected key = value, found 'heartbeat 60'; for example: heartbeat = 60"),
        ("heartbeat =", "leveret.conf:1: heartbeat: a value is missing; for example: heartbeat = 60"),
        ("include other.conf", "leveret.conf:1: include is not supported: put every setting into one file"),
        (
            "default_pass = 'open",
            "leveret.conf:1: default_pass: the closing quote is missing; for example: 'a # b'"
        ),
        (
            "default_pass = 'a' b",
            "leveret.conf:1: default_pass: text follows the closing quote; for example: 'a # b'"
        ),
    ])
    func mistakeIsToldInOneLine(text: String, expected: String) {
        #expect(refusal(of: text) == expected)
    }

    @Test(arguments: [
        "heartbeat = 65536", "heartbeat = -1", "heartbeat = +1", "heartbeat = 6e1", "heartbeat = ٣",
        "heartbeat = 99999999999999999999999", "frame_max = 4095", "frame_max = 17MB", "channel_max = 0",
        "max_message_size = 536870913", "max_message_size = 9999999999GB", "max_message_size = KB",
        "management.tcp.port = 65536", "management.tcp.ip = 127.0.0.1:5", "listeners.tcp.a = 127.0.0.1:65536",
        "listeners.tcp.a = :5672", "listeners.tcp.a = [::1]", "shards = 0", "shards = 1025", "server_product = ''",
        "memory_limit = 1MB", "memory_limit = 2000PB", "memory_limit = half", "vm_memory_high_watermark.relative = 1.1",
        "vm_memory_high_watermark.relative = 0", "disk_free_limit.absolute = -1", "disk_free_limit.relative = 1001",
        "loopback_users = some", "leveret.connection_placement = PACK", "data_dir = ''",
        "leveret.cpu_latency_limit_microseconds = -1", "leveret.cpu_latency_limit_microseconds = 1000001",
    ])
    func valueOutsideItsRangeIsRefused(text: String) throws {
        let line = try #require(refusal(of: text))
        #expect(line.hasPrefix("leveret.conf:1: ") && line.contains("expected ") && line.contains("for example: "))
    }

    @Test func passwordIsNotShown() throws {
        let secret = String(repeating: "secret", count: 50)
        let line = try #require(refusal(of: "default_pass = \(secret)"))
        #expect(!line.contains("secretsecret") && line.contains("found 300 bytes"))
    }

    @Test func controlCharactersOfAFileDoNotReachTheTerminal() throws {
        let line = try #require(refusal(of: "log.console.level = \u{1B}[31m\u{2028}"))
        #expect(line.contains(#"found '\u{1B}[31m\u{2028}'"#))
    }

    @Test func tooManyListenersAreRefused() throws {
        let text = (1...65).map { "listeners.tcp.\($0) = \($0)" }.joined(separator: "\n")
        #expect(try #require(refusal(of: text)).contains("at most 64 listeners"))
    }
}
