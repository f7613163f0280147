import Broker
import Logging

extension ConfigurationKey {
    /// The one table of keys, in the order of the sample file. Where RabbitMQ has the setting, the name is RabbitMQ's.
    package static let all: [ConfigurationKey] = [
        ConfigurationKey(
            "listeners.tcp.NAME", .listener,
            """
            Where AMQP clients connect: a port (all interfaces), or an address and a port. Any number of listeners,
            each with a name of its own: listeners.tcp.local = 127.0.0.1:5672, listeners.tcp.local_v6 = ::1:5672.
            Port 0 lets the system choose.
            """),
        ConfigurationKey(
            "management.tcp.ip", .address(\.httpAddress), "The address of the HTTP API."),
        ConfigurationKey(
            "management.tcp.port", .integer(0...65535, \.httpPort),
            "The port of the HTTP API. Port 0 lets the system choose."),
        ConfigurationKey(
            "management.listener", .choice(["tcp", "none"], \.httpListener),
            "none: no HTTP API, and no event loop for it."),
        ConfigurationKey(
            "management.path_prefix", .text(maxBytes: 255, secret: false, \.httpPathPrefix),
            "What the paths of the HTTP API begin with, for a proxy in front of it: /broker makes /broker/api/overview."
        ),
        ConfigurationKey(
            "management.http.max_body_size", .byteSize(1...1_073_741_824, \.httpMaxBodySize),
            "The largest body of a request to the HTTP API; larger ones are refused."),
        ConfigurationKey(
            "management.cors.allow_origins.NUMBER", .listItem(\.corsAllowOrigins), defaultText: "https://example.com",
            """
            A web origin whose pages may use the HTTP API from a browser, or * for all; any number of them. Not set by
            default: none may.
            """),
        ConfigurationKey(
            "prometheus.tcp.port", .optionalInteger(0...65535, \.metricsPort), defaultText: "15692",
            """
            A port of its own for the metrics, which the port of the HTTP API serves too. Set in this file; without it
            there is none. Port 0 lets the system choose.
            """),
        ConfigurationKey("prometheus.tcp.ip", .address(\.metricsAddress), "The address of that port."),
        ConfigurationKey(
            "prometheus.authentication", .choice(["none", "basic"], \.metricsAuthentication),
            "basic: Prometheus has to log in, as a user with the tag monitoring or administrator."),
        ConfigurationKey(
            "data_dir", .path(\.dataDirectory), defaultText: "~/.local/state/leveret",
            """
            The directory of everything the node stores, created when it is missing. When XDG_STATE_HOME is set, the
            default is $XDG_STATE_HOME/leveret.
            """),
        ConfigurationKey(
            "log.console.level", .choice(Logger.Level.allCases.map(\.rawValue), \.logLevelName),
            "What is logged, to standard error: this level and the more severe ones."),
        ConfigurationKey(
            "shards", .integerOrAuto(1...ControlPlane.shardLimit, \.shardCount), defaultText: "auto",
            "Event loops, each with its own connections and queues. auto: as many as the machine has cores."),
        ConfigurationKey(
            "leveret.connection_placement",
            .choice(ConnectionPlacement.allCases.map(\.rawValue), \.connectionPlacementName),
            """
            Where new connections go. pack: onto one shard until it is about half busy, for the lowest latency;
            spread: evenly over all shards.
            """),
        ConfigurationKey(
            "leveret.cpu_latency_limit_microseconds", .limit(0...1_000_000, \.cpuLatencyLimitMicroseconds),
            """
            How long idle processors may take to wake up while messages flow, on Linux, for all of the machine: Leveret
            writes it to /dev/cpu_dma_latency, which it must be allowed to (root is). 0: they look for work instead of
            sleeping, for the lowest latency, most of all in virtual machines; that costs power, and processor time
            of the host.
            """),
        ConfigurationKey(
            "heartbeat", .integer(0...65535, \.heartbeatSeconds),
            "Seconds without traffic after which a peer counts as gone, proposed to clients. 0 switches it off."),
        ConfigurationKey(
            "frame_max", .byteSize(4096...16_777_216, \.frameMax),
            "The largest AMQP frame."),
        ConfigurationKey(
            "channel_max", alias: "max_channels_per_connection", .integer(1...65535, \.channelMax),
            "The most channels a connection may open."),
        ConfigurationKey(
            "connection_max", .limit(0...1_000_000_000, \.limits.connections),
            "The most connections of clients that the node takes."),
        ConfigurationKey(
            "channel_max_per_node", .limit(0...1_000_000_000, \.limits.channels),
            "The most channels that all connections together may open."),
        ConfigurationKey(
            "consumer_max_per_channel", .limit(1...1_000_000_000, \.limits.consumersPerChannel),
            "The most consumers of a channel."),
        ConfigurationKey(
            "vhost_max", .limit(1...1_000_000_000, \.limits.virtualHosts), "The most virtual hosts."),
        ConfigurationKey(
            "cluster_queue_limit", .limit(0...1_000_000_000, \.limits.queues),
            "The most queues of all virtual hosts together."),
        ConfigurationKey(
            "cluster_exchange_limit", .limit(0...1_000_000_000, \.limits.exchanges),
            "The most exchanges of all virtual hosts together; those that each begins with count."),
        ConfigurationKey(
            "handshake_timeout", .integer(1...3_600_000, \.handshakeTimeoutMilliseconds),
            "Milliseconds a client has from connecting to an open connection."),
        ConfigurationKey(
            "max_message_size", .byteSize(1...536_870_912, \.maxMessageSize),
            "The largest message body; larger ones are refused."),
        ConfigurationKey(
            "memory_limit", alias: "vm_memory_high_watermark.absolute",
            .resourceBytes(16 << 20...ResourceLimit.bytesLimit, \.memoryLimit), defaultText: "4GiB",
            """
            How much memory the node takes, as a size. Messages far from their turn leave memory before that; publishers
            wait when they do not leave fast enough. Not set by default: vm_memory_high_watermark.relative counts. When
            both are set, the last one counts.
            """),
        ConfigurationKey(
            "vm_memory_high_watermark.relative", .memoryShare(0.01...1, \.memoryLimit), defaultText: "0.6",
            """
            How much memory the node takes, as a share of the machine's, or of what its control group (its container)
            allows where that is less.
            """),
        ConfigurationKey(
            "leveret.journal_segment_size", .byteSize(65_536...1_073_741_824, \.journalSegmentByteCount),
            "The size of the journal's files. Some are kept ready, filled with zeros."),
        ConfigurationKey(
            "leveret.journal_checkpoint_size", .byteSize(65_536...68_719_476_736, \.journalCheckpointByteCount),
            """
            The journal makes a checkpoint after so many bytes: more of them make a start after a crash slower. Files
            of about this size together, which hold nothing any more, are kept to be written again.
            """),
        ConfigurationKey(
            "disk_free_limit.relative", .memoryShare(0...1000, \.diskFreeLimit), defaultText: "1.0",
            """
            Publishers are blocked while less disk space than this is free, as a multiple of the memory of the machine
            or of the control group. Not set by default: disk_free_limit.absolute counts. When both are set, the last
            one counts.
            """),
        ConfigurationKey(
            "disk_free_limit.absolute", .resourceBytes(0...ResourceLimit.bytesLimit, \.diskFreeLimit),
            defaultText: "50MB",
            "Publishers are blocked while less disk space than this is free where data_dir is."),
        ConfigurationKey(
            "server_product", .text(maxBytes: 255, secret: false, \.serverProduct),
            "The product name told to clients. Set it to RabbitMQ for a client that insists on that name."),
        ConfigurationKey(
            "collect_statistics_interval", .integer(1000...86_400_000, \.statisticsIntervalMilliseconds),
            "How often queues, channels and exchanges are sampled for their rates, in milliseconds."),
        ConfigurationKey(
            "management.rates_mode", .choice(["basic", "detailed", "none"], \.ratesMode),
            """
            What the HTTP API tells of messages. basic: counts and rates of each queue, channel and exchange; detailed:
            also for each pair of a channel and an exchange, an exchange and a queue, a queue and a channel, which takes
            memory for each; none: how long queues are, and nothing else.
            """),
        ConfigurationKey(
            "management_agent.disable_metrics_collector",
            .choice(["true", "false"], \.disablesMetricsCollectorText),
            "true: queues, channels and exchanges have no rates and no history, only counters."),
        ConfigurationKey(
            "default_user", .text(maxBytes: 255, secret: false, \.defaultUser),
            "The user that a new node starts with."),
        ConfigurationKey(
            "default_pass", .text(maxBytes: 255, secret: true, \.defaultPass),
            "The password of that user."),
        ConfigurationKey(
            "default_vhost", .text(maxBytes: 255, secret: false, \.defaultVHost),
            "The virtual host that a new node starts with."),
        ConfigurationKey(
            "default_user_tags.TAG", .userTag,
            """
            true: the user that a new node starts with has this tag. It is an administrator, unless tags are named
            here: then it has those alone.
            """),
        ConfigurationKey(
            "default_permissions.configure", .text(maxBytes: 1024, secret: false, \.defaultConfigurePermission),
            "What that user may declare and delete in that virtual host: a regular expression of names."),
        ConfigurationKey(
            "default_permissions.write", .text(maxBytes: 1024, secret: false, \.defaultWritePermission),
            "What that user may publish to there."),
        ConfigurationKey(
            "default_permissions.read", .text(maxBytes: 1024, secret: false, \.defaultReadPermission),
            "What that user may consume from there."),
        ConfigurationKey(
            "event_exchange.vhost", .text(maxBytes: 255, secret: false, \.eventVHostName), defaultText: "/",
            """
            The virtual host of amq.rabbitmq.event, which tells of queues, connections, users and more as they come and
            go. The default one unless set; one that is not there is made.
            """),
        ConfigurationKey(
            "default_queue_type", .choice(QueueType.allCases.map(\.rawValue), \.defaultQueueTypeName),
            "The type of durable queues that are declared without one, where their virtual host has no default."),
        ConfigurationKey(
            "node_name", .text(maxBytes: 255, secret: false, \.nodeName), defaultText: "leveret@localhost",
            "What the HTTP API and metrics call this node. Not set by default: leveret@ and the machine's name count."),
        ConfigurationKey(
            "load_definitions", alias: "definitions.local.path", .path(\.loadDefinitions),
            defaultText: "/etc/leveret/definitions.json",
            """
            Definitions to import at every start, before clients may connect: a file that RabbitMQ, LavinMQ or Leveret
            has exported, or a directory of such files. Not set by default.
            """),
        ConfigurationKey(
            "management.load_definitions", .path(\.loadDefinitions), defaultText: "/etc/leveret/definitions.json",
            "The older name of load_definitions."),
        ConfigurationKey(
            "definitions.import_backend", .choice(["local_filesystem", "local"], \.definitionsBackend),
            "Where definitions are imported from; definitions.local.path names the place."),
        ConfigurationKey(
            "definitions.skip_if_unchanged", .choice(["true", "false"], \.definitionsSkipIfUnchanged),
            """
            true: definitions are not imported again at a start while their files are as they were, so what was changed
            since stays changed.
            """),
        ConfigurationKey(
            "loopback_users.USER", .loopbackUser,
            """
            true: USER may only connect from this machine. guest is restricted unless loopback_users.guest = false;
            naming another user here adds to the list and leaves guest on it.
            """),
        ConfigurationKey(
            "loopback_users", .noLoopbackUsers,
            "none: every user may connect from anywhere, whatever loopback_users.USER says. Not set by default."),
    ]

    /// What only the command line sets, by the names of its options: one address and one port for every listener.
    package static let commandLineOnly: [ConfigurationKey] = [
        ConfigurationKey("--bind", .address(\.listenHost), "The address to listen on, for every listener."),
        ConfigurationKey("--port", .integer(0...65535, \.listenPort), "The port to listen on, for every listener."),
    ]
}

extension Configuration {
    /// The address of every listener; of the first, when read.
    fileprivate var listenHost: String {
        get { listeners.first?.host ?? ListenAddress.allInterfaces }
        set { replaceListeners { ListenAddress(host: newValue, port: $0.port) } }
    }

    /// The port of every listener; of the first, when read.
    fileprivate var listenPort: Int {
        get { listeners.first?.port ?? 5672 }
        set { replaceListeners { ListenAddress(host: $0.host, port: newValue) } }
    }

    /// Listeners that become equal become one.
    private mutating func replaceListeners(_ replacement: (ListenAddress) -> ListenAddress) {
        var replaced: [ListenAddress] = []
        for listener in listeners.map(replacement) where !replaced.contains(listener) { replaced.append(listener) }
        listeners = replaced
    }

    /// ``logLevel`` by name, for the table. Names outside the enumeration do not get here.
    fileprivate var logLevelName: String {
        get { logLevel.rawValue }
        set { logLevel = Logger.Level(rawValue: newValue) ?? logLevel }
    }

    /// ``defaultQueueType`` by name, for the table.
    fileprivate var defaultQueueTypeName: String {
        get { defaultQueueType.rawValue }
        set { defaultQueueType = QueueType(rawValue: newValue) ?? defaultQueueType }
    }

    /// ``eventVHost`` as it counts, for the table.
    fileprivate var eventVHostName: String {
        get { eventVHost ?? defaultVHost }
        set { eventVHost = newValue }
    }

    /// ``disablesMetricsCollector`` as a word, for the table.
    fileprivate var disablesMetricsCollectorText: String {
        get { disablesMetricsCollector ? "true" : "false" }
        set { disablesMetricsCollector = newValue == "true" }
    }

    /// ``connectionPlacement`` by name, for the table.
    fileprivate var connectionPlacementName: String {
        get { connectionPlacement.rawValue }
        set { connectionPlacement = ConnectionPlacement(rawValue: newValue) ?? connectionPlacement }
    }
}
