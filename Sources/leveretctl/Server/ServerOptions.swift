import ArgumentParser

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where the broker is and who asks.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The HTTP API's address; also LEVERET_URL. (default: \(Endpoint.defaultAddress))", valueName: "url"))
    var url: String?

    @Option(help: ArgumentHelp("Who asks; also LEVERET_USER. (default: guest)", valueName: "name"))
    var user: String?

    @Flag(help: "Read the password from the first line of standard input; else LEVERET_PASSWORD, else a prompt.")
    var passwordStdin = false

    @Option(help: ArgumentHelp("How long to wait for an answer.", valueName: "seconds"))
    var timeout: Int = 60

    func validate() throws {
        guard 1...86400 ~= timeout else { throw ValidationError("--timeout is from 1 to 86400 seconds.") }
    }

    func endpoint() throws -> Endpoint {
        let fromEnvironment = Environment.value("LEVERET_URL")
        return try Endpoint(
            url: url ?? fromEnvironment ?? Endpoint.defaultAddress, user: user ?? Environment.value("LEVERET_USER"),
            isFromArguments: url != nil
        ) { name in
            if passwordStdin { return try Password.fromStandardInput(of: name) }
            if let password = getenv("LEVERET_PASSWORD") { return String(cString: password) }
            // What every broker has after its installation.
            return name == "guest"
                ? "guest"
                : try Password.prompt("password of \(name): ", insteadGive: "LEVERET_PASSWORD or --password-stdin")
        }
    }
}

enum Environment {
    /// nil also when it is empty.
    static func value(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}

struct VirtualHostOption: ParsableArguments {
    @Option(
        name: [.customLong("vhost"), .customShort("p")],
        help: ArgumentHelp("The virtual host.", valueName: "vhost"))
    var name = "/"
}

/// A command that asks the broker.
protocol ServerCommand: AsyncParsableCommand {
    var server: ServerOptions { get }
    func run(_ client: ManagementClient) async throws
}

extension ServerCommand {
    func run() async throws {
        let endpoint = try server.endpoint()
        do {
            try await run(ManagementClient(endpoint: endpoint, timeoutSeconds: Int64(server.timeout)))
        } catch let error as ServerError {
            throw error.explained(endpoint)
        }
    }
}
