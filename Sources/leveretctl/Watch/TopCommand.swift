import ArgumentParser
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `leveretctl top`.
struct TopCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "top", "The busiest queues and connections, live. q leaves.",
        notes: """
            Keys: q leaves; v changes between queues and connections; n, i, o, m, u sort by name,
            incoming, outgoing, ready and unacknowledged messages; r reverses; space asks at once.
            Without a terminal, or with --once, it is shown once.
            """,
        examples: ["leveretctl top --once", "leveretctl top --interval 5 --sort ready --once"])

    @Option(help: ArgumentHelp("How often to ask.", valueName: "seconds")) var interval = 2
    @Option(help: ArgumentHelp("name, in, out, ready or unacked.", valueName: "column")) var sort = "in"
    @Flag(help: "Connections instead of queues.") var connections = false
    @Flag(help: "Show it once.") var once = false
    @OptionGroup var server: ServerOptions

    func validate() throws {
        guard 1...3600 ~= interval else { throw ValidationError("--interval is from 1 to 3600 seconds.") }
        let titles = TopScreen.Order.allCases.map(\.title)
        guard titles.contains(sort) else {
            throw ValidationError("--sort is one of \(titles.joined(separator: ", ")).")
        }
    }

    func run(_ client: ManagementClient) async throws {
        var screen = TopScreen()
        screen.view = connections ? .connections : .queues
        screen.order = TopScreen.Order.allCases.first { $0.title == sort } ?? .incoming
        guard Terminal.isOutput, Terminal.isInput, !once else {
            await screen.load(client, rowCount: 100)
            if let problem = screen.problem { throw ControlError(problem) }
            let size = Terminal.size ?? Terminal.Size(columns: 1000, rows: 106)
            return Report.write(screen.lines(size, isInteractive: false))
        }
        // A wrong password is an error, not a screen.
        _ = try await client.get(APIPath("whoami"))
        try await show(&screen, client)
    }

    private func show(_ screen: inout TopScreen, _ client: ManagementClient) async throws {
        let terminal = RawTerminal()
        defer { terminal.restore() }
        var isDue = true
        var next = ContinuousClock.now
        while !RawTerminal.isEnding {
            let size = Terminal.size ?? Terminal.Size(columns: 80, rows: 24)
            if isDue {
                await screen.load(client, rowCount: size.rows)
                next = .now + .seconds(interval)
                isDue = false
            }
            terminal.draw(screen.lines(size))
            switch terminal.key(until: next) {
            case nil: isDue = ContinuousClock.now >= next
            case let key?:
                switch screen.press(key) {
                case .quit: return
                case .reload: isDue = true
                case .redraw, .nothing: break
                }
            }
        }
    }
}

/// The terminal without echo and line editing, on a screen of its own, until `restore`.
struct RawTerminal {
    private let before: termios
    private static let ending = Atomic<Bool>(false)

    /// Whether a signal asks for the end: the terminal has to be put right first.
    static var isEnding: Bool { ending.load(ordering: .relaxed) }

    init() {
        var settings = termios()
        tcgetattr(0, &settings)
        before = settings
        settings.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        tcsetattr(0, TCSAFLUSH, &settings)
        for number in [SIGTERM, SIGHUP, SIGINT] {
            signal(number) { _ in RawTerminal.ending.store(true, ordering: .relaxed) }
        }
        StandardOutput.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    func restore() {
        StandardOutput.write("\u{1B}[?25h\u{1B}[?1049l")
        var settings = before
        tcsetattr(0, TCSAFLUSH, &settings)
    }

    func draw(_ lines: [String]) {
        StandardOutput.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }

    /// The next key, or nil when the time has come, or nobody is there any more.
    func key(until moment: ContinuousClock.Instant) -> UInt8? {
        let left = max(.zero, moment - .now) / .milliseconds(1)
        var request = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, Int32(min(left, 3_600_000)) + 1) == 1 else { return nil }
        var key: UInt8 = 0
        guard read(0, &key, 1) == 1 else {
            Self.ending.store(true, ordering: .relaxed)
            return nil
        }
        return key
    }
}
