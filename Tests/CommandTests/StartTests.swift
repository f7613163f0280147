import Broker
import Foundation
import Glibc
import Node
import Processes
import Testing

@Suite(.serialized) struct StartTests {
    @Test func versionIsPrinted() throws {
        let result = try Command.run("--version")
        #expect(result.code == 0)
        #expect(result.output == "leveret \(Version.current)\n")
        #expect(result.errors.isEmpty)
    }

    @Test func helpNamesEveryOption() throws {
        let result = try Command.run("--help")
        #expect(result.code == 0)
        #expect(result.errors.isEmpty)
        for option in ["config", "data-dir", "bind", "port", "http-port", "log-level", "shards", "version"] {
            #expect(result.output.contains("--\(option)"))
        }
    }

    @Test(arguments: [
        (["--prot", "5673"], "--port"),
        (["--port"], "--port"),
        (["--port", "many"], "--port"),
        (["--port", "65536"], "--port"),
        (["--http-port=-1"], "--http-port"),
        (["--bind", "localhost"], "--bind"),
        (["--log-level", "loud"], "--log-level"),
        (["--shards", "0"], "--shards"),
        (["--data-dir", ""], "--data-dir"),
        (["stray"], "'stray'"),
        (["--port", "1\n2"], #"'1\n2'"#),
    ])
    func badOptionIsToldInOneLine(arguments: [String], named: String) throws {
        let result = try Command.run(arguments)
        #expect(result.code == 2)
        #expect(result.output.isEmpty)
        #expect(result.errorLines.count == 1, "\(result.errors)")
        #expect(result.errors.contains(named) && result.errors.contains("or example: leveret --"), "\(result.errors)")
    }

    @Test(arguments: [
        ("hartbeat = 3", ":1: unknown key 'hartbeat'; the nearest known key is 'heartbeat'"),
        ("\n\nheartbeat = often", ":3: heartbeat: expected a whole number"),
        ("\u{1B}[2J", ":1: expected key = value, found '\\u{1B}[2J'"),
    ])
    func badConfigurationIsToldInOneLine(text: String, expected: String) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(text, to: "leveret.conf")
        let result = try Command.run("--config", path)
        #expect(result.code == 2)
        #expect(result.output.isEmpty)
        #expect(result.errorLines.count == 1)
        #expect(result.errors.hasPrefix("leveret: \(path)\(expected)"), "\(result.errors)")
    }

    /// Nobody, not even root, creates files in /proc.
    @Test(arguments: [
        ("/proc", "the data directory is not writable: /proc ("),
        ("/proc/leveret/data", "cannot create the data directory: /proc/leveret/data ("),
        ("/dev/null", "the data directory is not a directory: /dev/null;"),
        ("/dev/null/data", "cannot create the data directory: /dev/null/data (Not a directory)"),
    ])
    func unusableDataDirectoryIsToldInOneLine(path: String, expected: String) throws {
        let result = try Command.run("--data-dir", path, "--port", "0", "--http-port", "0")
        #expect(result.code == 2)
        #expect(result.output.isEmpty)
        #expect(result.errorLines.count == 1)
        #expect(result.errors.hasPrefix("leveret: \(expected)"), "\(result.errors)")
        #expect(result.errors.contains("--data-dir"))
    }

    @Test func portInUseIsToldInOneLine() throws {
        let directory = try TemporaryDirectory()
        let holder = try LoopbackSocket()
        let result = try Command.run("--port", "\(holder.port)", "--data-dir", directory.path)
        #expect(result.code == 2)
        #expect(result.output.isEmpty)
        #expect(result.errorLines.count == 1)
        #expect(result.errors.hasPrefix("leveret: cannot listen on 127.0.0.1:\(holder.port)"), "\(result.errors)")
        #expect(result.errors.contains("--port"))
    }
}

@Suite(.serialized) struct RunTests {
    /// The port in the line `listening on 127.0.0.1:PORT`.
    private static func port(in lines: [String]) throws -> UInt16 {
        let line = try #require(lines.first { $0.hasPrefix("listening on 127.0.0.1:") })
        return try #require(line.split(separator: ":").last.flatMap { UInt16($0) })
    }

    @Test func startSaysWhereAndHowToConnect() throws {
        let directory = try TemporaryDirectory()
        let data = "\(directory.path)/new/data"
        let command = try ChildProcess(built: "leveret", ["--port", "0", "--http-port", "0", "--data-dir", data])
        let lines = try command.lines(upTo: "ready")
        let port = try Self.port(in: lines)
        #expect(lines.first == "leveret \(Version.current)")
        #expect(lines.contains("data in \(data)"))
        #expect(lines.contains("connect to amqp://guest:guest@127.0.0.1:\(port)/"))

        var status = stat()
        #expect(stat(data, &status) == 0 && status.st_mode & 0o777 == 0o700)
        #expect(try FileManager.default.contentsOfDirectory(atPath: data) == ["journal"])
    }

    @Test func clientMayConnectOnceReady() throws {
        let directory = try TemporaryDirectory()
        let command = try ChildProcess(
            built: "leveret", ["--port", "0", "--http-port", "0", "--data-dir", directory.path])
        let client = try LoopbackSocket(connectingTo: Self.port(in: command.lines(upTo: "ready")))
        try client.send(Array("AMQP".utf8) + [0, 0, 9, 1])
        // A method frame on channel 0: connection.start.
        #expect(try client.receive(3) == [1, 0, 0])
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func signalStopsGracefully(signal: Int32) throws {
        let directory = try TemporaryDirectory()
        let command = try ChildProcess(
            built: "leveret", ["--port", "0", "--http-port", "0", "--data-dir", directory.path])
        // A client that has connected and says nothing must not hold up the stop.
        let client = try LoopbackSocket(connectingTo: Self.port(in: command.lines(upTo: "ready")))
        let result = try command.end(signal)
        #expect(result.code == 0)
        #expect(result.output.isEmpty)
        _ = client.port
    }

    @Test func fileIsReadAndOptionsWin() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(
            """
            listeners.tcp.default = 10.255.255.1:1
            data_dir = /proc/not-used
            default_user = hare
            default_pass = keep-this-to-yourself
            default_vhost = a/b
            """, to: "leveret.conf")
        let command = try ChildProcess(
            built: "leveret",
            [
                "--config", path, "--bind", "127.0.0.1", "--port", "0", "--http-port", "0", "--data-dir",
                directory.path,
            ])
        let lines = try command.lines(upTo: "ready")
        let port = try Self.port(in: lines)
        #expect(lines.contains("connect to amqp://hare:PASSWORD@127.0.0.1:\(port)/a%2Fb"))
    }

    @Test func dataGoesBelowTheHomeByDefault() throws {
        let home = try TemporaryDirectory()
        let command = try ChildProcess(
            built: "leveret", ["--port", "0", "--http-port", "0"], environment: ["HOME": home.path])
        #expect(try command.lines(upTo: "ready").contains("data in \(home.path)/.local/state/leveret"))
    }
}
