import Broker
import HTTPTypes
import JSON
import Node

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `/api/nodes`: the process and what it uses.
enum NodesResource: Resource {
    static let routes = [
        Route(.get, "/api/nodes", access: .monitoring) { request async throws(ManagementError) in
            try await request.list([await node(request)])
        },
        Route(.get, "/api/nodes/{node}", access: .monitoring) { request async throws(ManagementError) in
            try request.checkNode()
            return .json(Columns(request.query["columns"]).project(await node(request)))
        },
        Route(.get, "/api/nodes/{node}/memory", access: .monitoring) { request throws(ManagementError) in
            try request.checkNode()
            return .json(["memory": .object(memory(request.context.node.statistics.processSnapshot))])
        },
        Route(.get, "/api/nodes/{node}/memory/relative", access: .monitoring) { request throws(ManagementError) in
            try request.checkNode()
            return .json(["memory": .object(relativeMemory(request.context.node.statistics.processSnapshot))])
        },
        Route(.delete, "/api/reset", access: .administrator) { request throws(ManagementError) in
            request.context.node.statistics.resetHistory()
            return .noContent
        },
        Route(.delete, "/api/reset/{node}", access: .administrator) { request throws(ManagementError) in
            try request.checkNode()
            request.context.node.statistics.resetHistory()
            return .noContent
        },
    ]

    private static func node(_ request: ManagementRequest) async -> JSONObject {
        let context = request.context
        let process = context.node.statistics.processSnapshot
        var object: JSONObject = [
            "name": .string(context.configuration.nodeName), "type": "disc", "running": true,
            "being_drained": false, "partitions": [], "cluster_links": [], "os_pid": .text(process.processID),
            "uptime": .number(process.uptimeMilliseconds), "run_queue": .integer(process.busyLoopCount),
            "processors": .integer(process.processorCount), "rates_mode": .string(context.configuration.ratesMode),
            "net_ticktime": 60,
            "mem_calculation_strategy": "rss",
        ]
        let rates = context.node.statistics.processRates
        object.append(contentsOf: resources(process))
        object.append(contentsOf: journal(process.journal))
        for (name, rate) in [
            ("mem_used", rates.memoryUsed), ("disk_free", rates.diskFree), ("fd_used", rates.descriptors),
            ("sockets_used", rates.sockets), ("proc_used", rates.threads), ("io_read_count", rates.reads),
            ("io_read_bytes", rates.readBytes), ("io_write_count", rates.writes),
            ("io_write_bytes", rates.writtenBytes), ("io_sync_count", rates.syncs),
        ] { object.append("\(name)_details", ["rate": .double(rate)]) }
        let totals = await context.node.statistics.totals().totals
        object.append(contentsOf: TotalsJSON(totals: totals, ages: .none).churnRates)
        object.append("exchange_types", .array(NodeFacts.exchangeTypes.map { .object($0) }))
        object.append("auth_mechanisms", .array(NodeFacts.authenticationMechanisms.map { .object($0) }))
        object.append(
            "applications",
            [
                ["name": "leveret", "description": "Leveret", "version": .string(Version.current)],
                // Tools look for the version of the API here.
                [
                    "name": "rabbit", "description": "RabbitMQ's HTTP API",
                    "version": .string(DefinitionsExport.rabbitmqVersion),
                ],
            ])
        object.append("rabbitmq_version", .string(DefinitionsExport.rabbitmqVersion))
        // There is none.
        object.append("erlang_version", "none")
        object.append("erlang_full_version", "none")
        object.append("enabled_plugins", .array(NodeFacts.enabledPlugins.map { .string($0) }))
        object.append("contexts", .array(NodeFacts.contexts(request).map { .object($0) }))
        object.append("log_files", ["<stderr>"])
        object.append("db_dir", .string(context.configuration.dataDirectory))
        object.append("config_files", .array(context.configuration.files.map { .string($0) }))
        return object
    }

    private static func resources(_ process: ProcessSnapshot) -> JSONObject {
        [
            "mem_used": .integer(process.memoryUsedByteCount), "mem_limit": .integer(process.memoryLimitByteCount),
            "mem_alarm": .bool(process.hasMemoryAlarm),
            "disk_free": process.diskFreeByteCount.map { .integer($0) } ?? .null,
            "disk_free_limit": .integer(process.diskFreeLimitByteCount),
            "disk_free_alarm": .bool(process.hasDiskAlarm),
            "fd_used": .integer(process.descriptorCount), "fd_total": .integer(shownLimit(process.descriptorLimit)),
            "sockets_used": .integer(process.socketCount),
            // A socket is a file like others.
            "sockets_total": .integer(shownLimit(process.descriptorLimit)),
            "proc_used": .integer(process.threadCount), "proc_total": .integer(shownLimit(threadLimit)),
        ]
    }

    /// No limit at all is the largest number that every tool reads: of 32 bits.
    private static func shownLimit(_ limit: Int) -> Int { min(limit, Int(Int32.max)) }

    /// Threads that the user may have.
    private static var threadLimit: Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let result = getrlimit(__rlimit_resource_t(__RLIMIT_NPROC.rawValue), &limit)
        #else
            let result = getrlimit(RLIMIT_NPROC, &limit)
        #endif
        return result == 0 ? Int(clamping: limit.rlim_cur) : 0
    }

    private static func journal(_ figures: JournalFigures) -> JSONObject {
        [
            "io_read_count": .number(figures.readCount), "io_read_bytes": .number(figures.readByteCount),
            "io_read_avg_time": .double(figures.meanReadMilliseconds),
            "io_write_count": .number(figures.writeCount), "io_write_bytes": .number(figures.writtenByteCount),
            "io_write_avg_time": .double(figures.meanWriteMilliseconds),
            "io_sync_count": .number(figures.syncCount),
            "io_sync_avg_time": .double(figures.meanSyncMilliseconds),
        ]
    }

    // MARK: Memory

    /// RabbitMQ's parts; those that an Erlang system has and this one has not are 0.
    private static func parts(_ process: ProcessSnapshot) -> [(name: String, byteCount: Int)] {
        let known = process.messageMemoryByteCount + process.journalMemoryByteCount
        let none = [
            "connection_readers", "connection_writers", "connection_channels", "connection_other",
        ]
        let nobody = [
            "queue_slave_procs", "quorum_queue_procs", "quorum_queue_dlx_procs", "stream_queue_procs",
            "stream_queue_replica_reader_procs", "stream_queue_coordinator_procs", "plugins", "other_proc",
            "metrics", "mgmt_db", "mnesia", "metadata_store", "metadata_store_ets", "quorum_ets", "other_ets",
            "binary",
        ]
        return none.map { ($0, 0) } + [("queue_procs", process.messageMemoryByteCount)] + nobody.map { ($0, 0) }
            + [
                ("msg_index", process.journalMemoryByteCount), ("code", 0), ("atom", 0),
                ("other_system", max(0, process.memoryUsedByteCount - known)), ("allocated_unused", 0),
                ("reserved_unallocated", 0),
            ]
    }

    private static func memory(_ process: ProcessSnapshot) -> JSONObject {
        var object = JSONObject()
        for part in parts(process) { object.append(part.name, .integer(part.byteCount)) }
        object.append("strategy", "rss")
        let used = JSONValue.integer(process.memoryUsedByteCount)
        object.append("total", ["erlang": 0, "rss": used, "allocated": used])
        return object
    }

    /// In percent, rounded up as RabbitMQ does.
    private static func relativeMemory(_ process: ProcessSnapshot) -> JSONObject {
        var object: JSONObject = ["total": 100]
        let total = max(1, process.memoryUsedByteCount)
        for part in parts(process) { object.append(part.name, .integer((part.byteCount * 100 + total - 1) / total)) }
        return object
    }
}
