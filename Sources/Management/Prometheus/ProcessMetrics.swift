import Broker
import Node

// The process, its disk and who has logged in.
extension NodeMetrics {
    func appendUse(_ prefix: MetricPrefix, to page: inout MetricsPage) {
        page.append(
            MetricFamily("process_open_fds", .gauge, "Open file descriptors"), prefix: prefix,
            Double(process.descriptorCount))
        page.append(
            MetricFamily("process_open_tcp_sockets", .gauge, "Open TCP sockets"), prefix: prefix,
            Double(process.socketCount))
        page.append(
            MetricFamily("process_resident_memory_bytes", .gauge, "Memory used in bytes"), prefix: prefix,
            Double(process.memoryUsedByteCount))
        if let free = process.diskFreeByteCount {
            page.append(
                MetricFamily("disk_space_available_bytes", .gauge, "Disk space available in bytes"), prefix: prefix,
                Double(free))
        }
    }

    func appendLimits(_ prefix: MetricPrefix, to page: inout MetricsPage) {
        page.append(
            MetricFamily("process_max_fds", .gauge, "Open file descriptors limit"), prefix: prefix,
            Double(process.descriptorLimit))
        page.append(
            MetricFamily("resident_memory_limit_bytes", .gauge, "Memory high watermark in bytes"), prefix: prefix,
            Double(process.memoryLimitByteCount))
        page.append(
            MetricFamily("disk_space_available_limit_bytes", .gauge, "Free disk space low watermark in bytes"),
            prefix: prefix, Double(process.diskFreeLimitByteCount))
        page.append(
            MetricFamily("erlang_scheduler_run_queue", .gauge, "Event loops that have no rest"), prefix: prefix,
            Double(process.busyLoopCount))
        page.append(
            MetricFamily("erlang_uptime_seconds", .gauge, "Node uptime"), prefix: prefix,
            Double(process.uptimeMilliseconds) / 1000)
    }

    func appendStorage(_ prefix: MetricPrefix, to page: inout MetricsPage) {
        let journal = process.journal
        let families: [(String, String, Double)] = [
            ("io_write_ops_total", "Total number of I/O write operations", Double(journal.writeCount)),
            ("io_write_bytes_total", "Total number of I/O bytes written", Double(journal.writtenByteCount)),
            ("io_sync_ops_total", "Total number of I/O sync operations", Double(journal.syncCount)),
            ("io_write_time_seconds_total", "Total I/O write time", Double(journal.writeNanoseconds) / 1e9),
            ("io_sync_time_seconds_total", "Total I/O sync time", Double(journal.syncNanoseconds) / 1e9),
        ]
        for (name, help, value) in families {
            page.append(MetricFamily(name, .counter, help), prefix: prefix, value)
        }
    }

    func appendLogins(_ prefix: MetricPrefix, to page: inout MetricsPage) {
        let families: [(String, String, @Sendable (LoginCounts) -> UInt64)] = [
            ("auth_attempts_total", "Total number of authentication attempts", { $0.total }),
            (
                "auth_attempts_succeeded_total", "Total number of successful authentication attempts",
                { $0.succeeded }
            ),
            ("auth_attempts_failed_total", "Total number of failed authentication attempts", { $0.failed }),
        ]
        for (name, help, count) in families {
            page.append(
                MetricFamily(name, .counter, help), prefix: prefix,
                LoginProtocol.allCases.map {
                    .init(["protocol": $0.rawValue], Double(count(logins[$0] ?? LoginCounts())))
                })
        }
    }

    /// 1 where an alarm is in effect.
    package func appendAlarms(to page: inout MetricsPage) {
        let families: [(String, String, Bool)] = [
            (
                "file_descriptor_limit", "is 1 if file descriptor limit alarm is in effect",
                process.descriptorLimit > 0 && process.descriptorCount >= process.descriptorLimit
            ),
            (
                "free_disk_space_watermark", "is 1 if free disk space watermark alarm is in effect",
                process.hasDiskAlarm
            ),
            (
                "memory_used_watermark", "is 1 if VM memory watermark alarm is in effect", process.hasMemoryAlarm
            ),
        ]
        for (name, help, isOn) in families {
            page.append(MetricFamily("alarms_\(name)", .untyped, help), isOn ? 1 : 0)
        }
    }

    /// `rabbitmq_global_messages_dead_lettered_*`: what left its queue without having been consumed, and why.
    package func appendDeaths(to page: inout MetricsPage) {
        let reasons: [(String, String, @Sendable (DeathCounters) -> UInt64)] = [
            ("maxlen", "overflow drop-head or reject-publish-dlx", { $0.maxlen }),
            ("expired", "message TTL exceeded", { $0.expired }),
            ("rejected", "basic.reject or basic.nack", { $0.rejected }),
            ("delivery_limit", "delivery-limit exceeded", { $0.deliveryLimit }),
        ]
        let deaths = statistics.deaths
        let groups: [(String, String, DeathCounters)] = [
            ("classic", "disabled", deaths.classicDisabled), ("classic", "at_most_once", deaths.classicAtMostOnce),
            ("quorum", "disabled", deaths.quorumDisabled), ("quorum", "at_most_once", deaths.quorumAtMostOnce),
            ("quorum", "at_least_once", deaths.quorumAtLeastOnce),
        ]
        for (name, cause, count) in reasons {
            page.append(
                MetricFamily(
                    "global_messages_dead_lettered_\(name)_total", .counter,
                    "Total number of messages dead-lettered due to \(cause)"),
                groups.map { type, strategy, counters in
                    .init(
                        ["queue_type": "rabbit_\(type)_queue", "dead_letter_strategy": strategy],
                        Double(count(counters)))
                })
        }
    }
}
