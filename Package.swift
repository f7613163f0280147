// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// The engine and its shell: exclusivity of single-owner state is settled by design (one event loop per shard), so the
/// dynamic checks, a fifth of the time of a message, are left out of release builds. Not for what LeveretClient
/// reaches: SwiftPM refuses unsafe flags in what other packages may depend on.
let engine: [SwiftSetting] =
    strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

let package = Package(
    name: "leveret",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "leveret", targets: ["leveret"]),
        .executable(name: "leveretctl", targets: ["leveretctl"]),
        .executable(name: "leveretperf", targets: ["leveretperf"]),
        .library(name: "LeveretClient", targets: ["LeveretClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        // For leveretctl alone.
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        // The wire format of AMQP 0-9-1. Imports nothing but the standard library.
        .target(name: "AMQPWire", swiftSettings: strict),
        .executableTarget(
            name: "AMQPWireGenerator",
            exclude: ["amqp0-9-1.extended.xml", "amqp0-9-1.access.xml"],
            swiftSettings: strict),

        // JSON and base 64, for both ends of the HTTP API and for what the tools report.
        .target(name: "JSON", swiftSettings: strict),

        // What commands write: quantities, columns, and text that does nothing to a terminal.
        .target(name: "Console", swiftSettings: strict),

        // The engine: values only.
        .target(name: "Routing", dependencies: ["AMQPWire"], swiftSettings: engine),
        // Record format, segments, group commit, recovery: bytes and positions, no AMQP.
        .target(name: "Journal", dependencies: ["CRC32C"], swiftSettings: engine),
        // A checksum by the processor's instruction, which only C can reach without a flag for the whole build.
        .target(name: "CRC32C"),
        .target(name: "Broker", dependencies: ["AMQPWire", "CRC32C", "Routing", "Journal"], swiftSettings: engine),

        // malloc_trim, which Swift's module of Glibc leaves out.
        .target(name: "SystemMemory"),
        // The shell: event loops, sockets, timers, configuration.
        .target(
            name: "Node",
            dependencies: [
                "AMQPWire", "Broker", "Journal", "SystemMemory",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: engine),
        // The HTTP API.
        .target(
            name: "Management",
            dependencies: [
                "AMQPWire", "Broker", "JSON", "Node", "Routing",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "leveret",
            dependencies: [
                "Broker", "Console", "Management", "Node", "SystemMemory",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),

        // The management command.
        .executableTarget(
            name: "leveretctl",
            dependencies: [
                "AMQPWire", "Broker", "Console", "JSON", "Journal", "LeveretClient", "Routing",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),

        // epoll and timerfd, which Swift's module of Glibc leaves out.
        .target(name: "EventPolling"),
        // The load and latency tool, for any broker.
        .executableTarget(
            name: "leveretperf",
            dependencies: [
                "AMQPWire", "Console", "EventPolling", "JSON", "LeveretClient",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: engine),

        .target(
            name: "LeveretClient",
            dependencies: [
                "AMQPWire",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),

        // Small programs to start from: `swift run Publish`.
        .executableTarget(
            name: "Publish", dependencies: ["LeveretClient"], path: "Examples/Publish", swiftSettings: strict),
        .executableTarget(
            name: "Subscribe", dependencies: ["LeveretClient"], path: "Examples/Subscribe", swiftSettings: strict),
        .executableTarget(
            name: "RemoteProcedureCall", dependencies: ["LeveretClient"], path: "Examples/RemoteProcedureCall",
            swiftSettings: strict),

        .testTarget(name: "AMQPWireTests", dependencies: ["AMQPWire"], swiftSettings: strict),
        // Generates again and compares with what is committed.
        .testTarget(name: "AMQPWireGeneratorTests", dependencies: ["AMQPWireGenerator"], swiftSettings: strict),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: strict),
        .testTarget(name: "ConsoleTests", dependencies: ["Console"], swiftSettings: strict),
        // Random numbers from a seed.
        .target(name: "SplitMix", path: "Tests/SplitMix", swiftSettings: strict),
        .testTarget(name: "RoutingTests", dependencies: ["AMQPWire", "Routing", "SplitMix"], swiftSettings: strict),
        .testTarget(name: "JournalTests", dependencies: ["CRC32C", "Journal"], swiftSettings: strict),
        .testTarget(
            name: "BrokerTests", dependencies: ["AMQPWire", "Routing", "Journal", "Broker", "SplitMix"],
            swiftSettings: strict),
        .testTarget(
            name: "NodeTests",
            dependencies: [
                "AMQPWire", "Broker", "Node", "Routing", "SplitMix",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: strict),
        // The HTTP API of a node in the same process, over loopback.
        .testTarget(
            name: "ManagementTests",
            dependencies: [
                "AMQPWire", "Broker", "JSON", "LeveretClient", "Management", "Node", "Processes",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            exclude: ["Definitions/rabbitmq-3.10.json"],
            swiftSettings: strict),
        // Built executables and others as child processes.
        .target(name: "Processes", path: "Tests/Processes", swiftSettings: strict),
        // Starts the built executables as processes, so it depends on them to have them built.
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "leveret", "leveretctl", "AMQPWire", "Broker", "JSON", "Journal", "Node", "Processes",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        // Values of the tool, and every scenario against the built executable.
        .testTarget(
            name: "LeveretPerfTests",
            dependencies: [
                "leveret", "leveretperf", "AMQPWire", "Console", "JSON", "Processes",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: strict),
        // The management command: values, and every example of its help against a live broker.
        .testTarget(
            name: "ControlTests",
            dependencies: [
                "leveret", "leveretctl", "AMQPWire", "Console", "JSON", "LeveretClient", "Processes", "Routing",
                "SplitMix",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        // Other people's clients against the built executable.
        .testTarget(
            name: "RealClientTests", dependencies: ["leveret", "Processes"], exclude: ["Clients", "Scenarios"],
            swiftSettings: strict),
        // Tools for RabbitMQ's HTTP API, and Prometheus, against the built executable.
        .testTarget(
            name: "ManagementToolTests", dependencies: ["leveret", "Processes"], exclude: ["Tools"],
            swiftSettings: strict),
        // Kills, stops and starts the built executable, and compares what is left with what was promised.
        .testTarget(
            name: "DurabilityTests",
            dependencies: [
                "leveret", "AMQPWire", "LeveretClient", "Processes", "SplitMix",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        // What fuzzing feeds, and a replay of what it found: see Tests/Fuzz/run.sh.
        .target(
            name: "FuzzTargets", dependencies: ["AMQPWire", "Broker"], path: "Tests/Fuzz/Targets",
            swiftSettings: strict),
        .testTarget(
            name: "FuzzTests", dependencies: ["AMQPWire", "FuzzTargets"], path: "Tests/Fuzz/Tests",
            swiftSettings: strict),
        // Reads the tree itself: sizes, imports, layout.
        .testTarget(name: "TidyTests", exclude: ["Compatibility.json"], swiftSettings: strict),
        // The client's state machine from bytes; then the client against a node in the same process.
        .testTarget(
            name: "LeveretClientTests",
            dependencies: [
                "LeveretClient", "AMQPWire", "Node", "SplitMix",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
    ]
)

// libFuzzer brings its own `main`, so these are built only for it: see Tests/Fuzz/run.sh.
if Context.environment["LEVERET_FUZZ"] != nil {
    package.targets += ["Frames", "Connection"].map { name in
        .executableTarget(
            name: "Fuzz\(name)", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/\(name)", swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])])
    }
}

// The engine's benchmark, built only when it is wanted: see Tests/Benchmarks/run.sh.
if Context.environment["LEVERET_BENCHMARK"] != nil {
    package.targets.append(
        .executableTarget(
            name: "EngineBenchmark", dependencies: ["AMQPWire", "Broker", "Journal"], path: "Tests/Benchmarks/Engine",
            swiftSettings: strict))
}
