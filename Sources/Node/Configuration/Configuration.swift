import Broker
import Logging
import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Everything an operator can set. The initial values here are the defaults; the names, ranges and explanations of the
/// keys are in ``ConfigurationKey/all``.
package struct Configuration: Sendable, Equatable {
    /// Where clients connect; never empty.
    package var listeners = [ListenAddress(host: "127.0.0.1", port: 5672)]
    /// Where the HTTP API listens.
    package var httpAddress = "127.0.0.1"
    package var httpPort = 15672
    /// `tcp`, or `none` for a node without the HTTP API.
    package var httpListener = "tcp"
    /// What its paths begin with; `/` for nothing.
    package var httpPathPrefix = "/"
    /// The largest body of a request in bytes.
    package var httpMaxBodySize = 33_554_432
    /// Where Prometheus's pages are served by themselves; without a port they are not.
    package var metricsAddress = "127.0.0.1"
    package var metricsPort: Int?
    /// `basic` when Prometheus has to log in, `none` when not.
    package var metricsAuthentication = "none"
    /// Web origins that may use the HTTP API from a browser.
    package var corsAllowOrigins: Set<String> = []

    /// The directory of everything the node stores. It may be missing: the command creates it.
    package var dataDirectory: String
    package var logLevel: Logger.Level = .info

    /// Event loops, at least one. Each owns its connections and queues.
    package var shardCount = min(max(1, System.coreCount), ControlPlane.shardLimit)
    package var connectionPlacement = ConnectionPlacement.pack
    /// How long idle processors may take to wake up while messages flow; nil leaves it to the system.
    package var cpuLatencyLimitMicroseconds: Int?

    /// What the server proposes in `connection.tune`; 0 switches heartbeats off.
    package var heartbeatSeconds = 60
    /// The largest frame in bytes, its header and end octet included.
    package var frameMax = 131_072
    package var channelMax = 2047
    package var handshakeTimeoutMilliseconds = 10_000
    /// The largest message body in bytes.
    package var maxMessageSize = 16_777_216

    /// How much memory the node takes.
    package var memoryLimit = ResourceLimit.memoryShare(0.6)
    /// The size of the journal's files, which are filled with zeros ahead.
    package var journalSegmentByteCount = 16 << 20
    /// The log that a checkpoint is made after, which bounds what is read at start.
    package var journalCheckpointByteCount = 256 << 20
    /// With less disk space than this, publishers are blocked.
    package var diskFreeLimit = ResourceLimit.bytes(50_000_000)

    /// What the node as a whole may have: no limits at first.
    package var limits = NodeLimits()

    /// The product that server properties name. Some clients choose their behaviour by it.
    package var serverProduct = "Leveret"

    /// How often queues and channels are sampled for their rates, in milliseconds.
    package var statisticsIntervalMilliseconds = 5000
    /// What is counted and told of messages: `none`, `basic`, or `detailed` for pairs of objects too.
    package var ratesMode = "basic"
    /// They are not sampled: there are no rates of single objects.
    package var disablesMetricsCollector = false

    /// The user, password and virtual host that a new node starts with.
    package var defaultUser = "guest"
    package var defaultPass = "guest"
    package var defaultVHost = "/"
    /// Tags of that user, as far as the configuration says; where it says nothing, it is an administrator.
    package var defaultUserTags: [String: Bool] = [:]
    /// What that user may do in that virtual host.
    package var defaultConfigurePermission = ".*"
    package var defaultWritePermission = ".*"
    package var defaultReadPermission = ".*"
    /// The virtual host of the event exchange; nil for the default one.
    package var eventVHost: String?
    /// The type of durable queues that are declared without one.
    package var defaultQueueType = QueueType.classic
    /// What the HTTP API and metrics call the node.
    package var nodeName = "leveret@\(Self.hostName)"
    /// A file of definitions, or a directory of such files, that is imported at every start; empty for none.
    package var loadDefinitions = ""
    /// Where `definitions.*` says to import from.
    package var definitionsBackend = "local_filesystem"
    /// Whether definitions are left alone that are those of the last start.
    package var definitionsSkipIfUnchanged = "false"

    /// The files that it was read from, by their whole paths.
    package var files: [String] = []

    /// Users who may connect over loopback only.
    package var loopbackUsers: Set<String> = ["guest"]

    /// The defaults.
    ///
    /// - Parameter environment: looks up a variable of the environment; only `XDG_STATE_HOME` and `HOME` are asked for.
    package init(environment: (String) -> String? = Self.processEnvironment) {
        dataDirectory = Self.defaultDataDirectory(environment: environment)
    }

    package var defaultUserTagNames: [String] {
        defaultUserTags.isEmpty ? ["administrator"] : defaultUserTags.filter(\.value).keys.sorted()
    }

    /// ``memoryLimit`` on this machine: never more than there is.
    package var memoryLimitBytes: Int {
        min(memoryLimit.byteCount(memoryBytes: MemoryLimit.availableBytes), MemoryLimit.availableBytes)
    }

    /// ``diskFreeLimit`` on this machine.
    package var diskFreeLimitBytes: Int { diskFreeLimit.byteCount(memoryBytes: MemoryLimit.availableBytes) }

    /// A path from the root, without links; as it was given where there is nothing.
    package static func absolutePath(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// A variable of this process's environment.
    package static func processEnvironment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// The machine's name, without its domain.
    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        let bytes = name.prefix { $0 != 0 && $0 != CChar(bitPattern: UInt8(ascii: ".")) }
        let text = String(decoding: bytes.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.isEmpty ? "localhost" : text
    }

    /// `$XDG_STATE_HOME/leveret`, else `~/.local/state/leveret`; a process without a home, such as a system service,
    /// gets `/var/lib/leveret`. Relative values are ignored, as the XDG specification demands.
    private static func defaultDataDirectory(environment: (String) -> String?) -> String {
        if let state = environment("XDG_STATE_HOME"), state.hasPrefix("/") { return "\(state)/leveret" }
        if let home = environment("HOME"), home.hasPrefix("/") { return "\(home)/.local/state/leveret" }
        return "/var/lib/leveret"
    }
}

/// How new connections are placed on shards.
package enum ConnectionPlacement: String, Sendable, CaseIterable {
    /// Onto one shard until it is about half busy: publisher, queue and consumer meet on one event loop.
    case pack
    /// Onto the shard with the fewest connections.
    case spread
}
