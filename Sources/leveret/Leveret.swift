import Console
import Logging
import Management
import Node
import ServiceLifecycle
import SystemMemory
import UnixSignals

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The `leveret` command: reads what to do, prepares the process, starts the node, says where it listens, and runs it
/// until SIGTERM or SIGINT.
///
/// Exit code 0 after a graceful stop, 2 when it could not start (with one line on standard error that says why), 1 when
/// the running node failed.
@main
enum Leveret {
    static func main() async {
        // A client or a pipe that goes away is an error code at the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let services: ServiceGroup
        do {
            switch try LeveretCommand.request(Array(CommandLine.arguments.dropFirst())) {
            case .print(let text):
                TextOutput.standard.write(text)
                exit(0)
            case .run(let configuration):
                services = try await start(configuration)
            }
        } catch {
            TextOutput.error.write("leveret: \(singleLine("\(error)", maxBytes: 2048))\n")
            exit(2)
        }
        do {
            try await services.run()
        } catch {
            Logger(label: "leveret").critical("stopped by an error", metadata: ["error": "\(error)"])
            exit(1)
        }
        exit(0)
    }

    /// Everything that can fail before clients may connect, in the order in which an operator would want to hear of it.
    private static func start(_ configuration: Configuration) async throws -> ServiceGroup {
        LoggingSystem.bootstrap { label in StandardErrorLogHandler(label: label, level: configuration.logLevel) }
        let logger = Logger(label: "leveret")
        raiseOpenFileLimit(logger: logger)
        try DataDirectory.prepare(configuration.dataDirectory)

        let node = Node(configuration: configuration, logger: Logger(label: "node"))
        try await node.start { administration in
            try await DefinitionsFiles(configuration, logger: Logger(label: "definitions"))?.load(administration)
        }
        var services: [any Service] = [node]
        var management: ManagementServer?
        if configuration.httpListener != "none" {
            let server = ManagementServer(
                node: node, configuration: configuration, logger: Logger(label: "management"))
            try await server.start()
            management = server
            services.append(server)
        }
        let metrics = ManagementServer(
            metricsOf: node, configuration: configuration, logger: Logger(label: "metrics"))
        if let metrics {
            try await metrics.start()
            services.append(metrics)
        }
        TextOutput.standard.write(
            Announcement.text(
                configuration: configuration, listeningAddresses: node.listeningAddresses,
                httpAddress: management?.listeningAddress, metricsAddress: metrics?.listeningAddress))

        services.append(ReadyAnnouncement())
        var group = ServiceGroupConfiguration(
            services: services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "lifecycle"))
        group.maximumGracefulShutdownDuration = .seconds(30)
        return ServiceGroup(configuration: group)
    }
}

/// Prints `ready`. It is a service because the group starts it after the node and after the signals are caught: whoever
/// has read `ready` may connect, and may stop the node gracefully.
private struct ReadyAnnouncement: Service {
    func run() async throws {
        leveret_release_code()
        TextOutput.standard.write("ready\n")
        try await gracefulShutdown()
    }
}
