import Console
import Logging
import Node

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Writes each log entry as one line of bounded length to standard error:
/// `2026-11-21T12:34:56.789Z info listener: text key=value`.
///
/// Texts and values may come from clients, so what could end the line or steer a terminal is escaped.
struct StandardErrorLogHandler: LogHandler {
    private static let maxMessageBytes = 2048
    private static let maxValueBytes = 512
    private static let maxValues = 16

    let label: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(label: String, level: Logger.Level) {
        self.label = label
        self.logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        TextOutput.error.write(line(for: event, at: now) + "\n")
    }

    /// The entry as one line, without its line break.
    func line(for event: LogEvent, at time: timespec) -> String {
        var values = metadata
        if let provided = metadataProvider?.get() { values.merge(provided) { $1 } }
        if let own = event.metadata { values.merge(own) { $1 } }
        if let error = event.error { values["error"] = "\(error)" }

        let message = singleLine(event.message.description, maxBytes: Self.maxMessageBytes)
        var line = "\(Self.timestamp(time)) \(event.level.rawValue) \(singleLine(label, maxBytes: 64)): \(message)"
        for (key, value) in values.sorted(by: { $0.key < $1.key }).prefix(Self.maxValues) {
            let text = singleLine(value.description, maxBytes: Self.maxValueBytes)
            line += " \(singleLine(key, maxBytes: 64))=\(text.contains(" ") ? "\"\(text)\"" : text)"
        }
        return line
    }

    /// `2026-11-21T12:34:56.789Z`, always UTC.
    static func timestamp(_ time: timespec) -> String {
        var seconds = time.tv_sec
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { Quantity.padded(Int(number), digits: 2) }
        let year = Quantity.padded(Int(parts.tm_year) + 1900, digits: 4)
        let date = [year, two(parts.tm_mon + 1), two(parts.tm_mday)]
        let clock = [two(parts.tm_hour), two(parts.tm_min), two(parts.tm_sec)]
        let milliseconds = Quantity.padded(Int(time.tv_nsec) / 1_000_000, digits: 3)
        return "\(date.joined(separator: "-"))T\(clock.joined(separator: ":")).\(milliseconds)Z"
    }
}
