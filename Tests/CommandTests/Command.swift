import Processes

/// The built commands, run to their ends.
enum Command {
    static func run(_ arguments: String...) throws -> ChildProcess.Result { try run(arguments) }

    static func run(_ arguments: [String]) throws -> ChildProcess.Result {
        try ChildProcess(built: "leveret", arguments, environment: ["HOME": "/nonexistent"]).end()
    }

    static func control(_ arguments: String...) throws -> ChildProcess.Result { try control(arguments) }

    static func control(_ arguments: [String]) throws -> ChildProcess.Result {
        try ChildProcess(built: "leveretctl", arguments).end()
    }
}
