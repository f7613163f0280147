import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Node
import ServiceLifecycle
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The HTTP API: a server with an event loop of its own.
package final class ManagementServer: Service {
    private typealias HTTPServer = Server<HTTP1Channel>

    private let wanted: ListenAddress
    private let purpose: String
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let server: HTTPServer
    private let binding = Binding()
    private let channels = OpenChannels()

    /// A client that sends or takes nothing for so long is not waited for (RabbitMQ's `idle_timeout`).
    private static let idleSeconds: Int64 = 60
    private static let stopSeconds: Int64 = 3
    /// More connections than these wait in the backlog.
    private static let connectionLimit = 1024

    /// The whole API.
    package convenience init(node: Node, configuration: Configuration, logger: Logger) {
        let wanted = ListenAddress(host: configuration.httpAddress, port: configuration.httpPort)
        self.init(
            node: node, configuration: configuration, router: Router(configuration), wanted,
            purpose: "the HTTP API, management.tcp.port, --http-port", logger: logger)
    }

    /// Prometheus's pages alone, where the configuration wants a listener of their own; else nil.
    package convenience init?(metricsOf node: Node, configuration: Configuration, logger: Logger) {
        guard let port = configuration.metricsPort else { return nil }
        var plain = configuration
        plain.httpPathPrefix = "/"
        self.init(
            node: node, configuration: plain,
            router: Router(PrometheusResource.routes(for: configuration.metricsAccess)),
            ListenAddress(host: configuration.metricsAddress, port: port),
            purpose: "the metrics, prometheus.tcp.port", logger: logger)
    }

    private init(
        node: Node, configuration: Configuration, router: Router, _ wanted: ListenAddress, purpose: String,
        logger: Logger
    ) {
        self.wanted = wanted
        self.purpose = purpose
        let binding = binding
        let channels = channels
        let context = ManagementContext(node: node, configuration: configuration, logger: logger) {
            binding.listeningAddress(wanted)
        }
        let responder = RequestResponder(context: context, router: router)
        server = HTTPServer(
            childChannelSetup: HTTP1Channel(
                responder: { request, writer, channel in
                    channels.insert(channel)
                    defer { channels.remove(channel) }
                    try await responder.respond(to: request, writer: writer, channel: channel)
                },
                configuration: .init(
                    additionalChannelHandlers: [SlowClientHandler(timeout: .seconds(Self.idleSeconds))],
                    idleTimeout: .seconds(Self.idleSeconds),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: RequestTarget.byteLimit + 1024, maxHeaderListSize: 65_536,
                        maxHeaderFieldCount: 128))),
            configuration: ServerConfiguration(
                address: .hostname(wanted.hostToBind, port: wanted.port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionLimit, logger: logger)),
            onServerRunning: { channel in binding.succeed(channel.localAddress) },
            eventLoopGroup: group, logger: logger)
    }

    /// Where the API can be reached, once started: `127.0.0.1:15672`.
    package var listeningAddress: String? { binding.listeningAddress(wanted) }

    /// Binds and serves; requests are answered when it returns.
    package func start() async throws(NodeError) {
        group.next().execute { Self.yieldToMessaging() }
        let executor = EventLoopTaskExecutor(group.next())
        Task(executorPreference: executor) { [server, binding] in
            do { try await server.run() } catch { binding.fail(error) }
            binding.end()
        }
        if let error = await binding.wait() {
            try? await group.shutdownGracefully()
            throw NodeError(listening: wanted, for: purpose, error)
        }
    }

    /// Where cores are scarce, messaging comes first: this thread gets a tenth of what another gets. That is enough
    /// for a page at once; a list of everything takes longer.
    private static func yieldToMessaging() {
        #if canImport(Glibc)
            // Of the thread that asks, on Linux.
            let which = __priority_which_t(PRIO_PROCESS.rawValue)
            _ = setpriority(which, 0, min(19, getpriority(which, 0) + niceness))
        #endif
    }

    private static let niceness: Int32 = 10

    /// Until the graceful shutdown; then what is being answered is answered, and nothing new is taken.
    package func run() async throws {
        try? await gracefulShutdown()
        await stop()
    }

    package func stop() async {
        // Whoever takes longer than this for the answer loses it.
        let channels = channels
        let closing = group.next().scheduleTask(in: .seconds(Self.stopSeconds)) { channels.closeAll() }
        try? await server.shutdownGracefully()
        await binding.waitForEnd()
        closing.cancel()
        try? await group.shutdownGracefully()
    }
}

/// The connections that a request is being answered on.
private final class OpenChannels: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    func insert(_ channel: any Channel) { channels.withLock { $0[ObjectIdentifier(channel)] = channel } }
    func remove(_ channel: any Channel) { channels.withLock { $0[ObjectIdentifier(channel)] = nil } }

    func closeAll() {
        for channel in channels.withLock({ Array($0.values) }) { channel.close(promise: nil) }
    }
}

/// Whether the server has bound its address, and whether it has ended.
private final class Binding: Sendable {
    private struct State {
        var address: SocketAddress?
        var outcome: Result<Void, any Error>?
        var waiter: CheckedContinuation<(any Error)?, Never>?
        var hasEnded = false
        var endWaiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func listeningAddress(_ wanted: ListenAddress) -> String? {
        guard let address = state.withLock({ $0.address }), let port = address.port else { return nil }
        return ListenAddress.join(host: address.ipAddress ?? wanted.host, port: port)
    }

    func succeed(_ address: SocketAddress?) { finish(.success(()), address) }
    func fail(_ error: any Error) { finish(.failure(error), nil) }

    private func finish(_ outcome: Result<Void, any Error>, _ address: SocketAddress?) {
        let waiter = state.withLock { state -> CheckedContinuation<(any Error)?, Never>? in
            guard state.outcome == nil else { return nil }
            state.outcome = outcome
            state.address = address
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: Self.error(of: outcome))
    }

    private static func error(of outcome: Result<Void, any Error>) -> (any Error)? {
        if case .failure(let error) = outcome { error } else { nil }
    }

    /// Returns what went wrong.
    func wait() async -> (any Error)? {
        await withCheckedContinuation { waiter in
            let outcome = state.withLock { state in
                if state.outcome == nil { state.waiter = waiter }
                return state.outcome
            }
            if let outcome { waiter.resume(returning: Self.error(of: outcome)) }
        }
    }

    func end() {
        let waiter = state.withLock { state in
            state.hasEnded = true
            defer { state.endWaiter = nil }
            return state.endWaiter
        }
        waiter?.resume()
    }

    func waitForEnd() async {
        await withCheckedContinuation { waiter in
            let hasEnded = state.withLock { state in
                if !state.hasEnded { state.endWaiter = waiter }
                return state.hasEnded
            }
            if hasEnded { waiter.resume() }
        }
    }
}

extension NodeError {
    /// NIO's text of an error of bind has more in it than an operator wants to read.
    ///
    /// - Parameter purpose: what it is for, and by what settings another is chosen, in one list.
    fileprivate init(listening address: ListenAddress, for purpose: String, _ error: any Error) {
        let reason =
            (error as? IOError).map { String(cString: strerror($0.errnoCode)).lowercased() } ?? "\(error)"
        let words = purpose.split(separator: ", ").map(String.init)
        let settings = words.dropFirst().joined(separator: " or ")
        let hint = " (is RabbitMQ or another leveret running? choose another with \(settings))"
        let isUsed = (error as? IOError)?.errnoCode == EADDRINUSE
        self.init("cannot listen on \(address) for \(words[0]): \(reason)\(isUsed ? hint : "")")
    }
}

extension Configuration {
    /// Who may read Prometheus's pages.
    var metricsAccess: RouteAccess { metricsAuthentication == "basic" ? .monitoring : .open }
}
