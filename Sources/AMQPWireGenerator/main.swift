import Foundation

let usage = """
    usage: \(Generation.command) [--check] [--package-path DIR]

    Writes Sources/AMQPWire/Generated from the XML in Sources/AMQPWireGenerator. With --check it writes nothing, and
    fails if the files are not what it would write.

    """

func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("AMQPWireGenerator: \(message)\n".utf8))
    exit(1)
}

var checksOnly = false
var packagePath = "."
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
    switch argument {
    case "--check": checksOnly = true
    case "--package-path":
        guard let directory = arguments.popFirst() else { fail("--package-path needs a directory\n\n\(usage)") }
        packagePath = directory
    case "--help", "-h":
        print(usage, terminator: "")
        exit(0)
    default: fail("unknown argument \(argument)\n\n\(usage)")
    }
}

do {
    let generation = try Generation(packagePath: packagePath)
    if !checksOnly {
        let written = try generation.write()
        print(
            written.isEmpty
                ? "all \(generation.files.count) files are up to date" : "wrote \(written.joined(separator: ", "))")
    }
    let differences = generation.differences()
    if !differences.isEmpty { fail(differences.joined(separator: "\n")) }
    if checksOnly { print("all \(generation.files.count) files are as generated") }
} catch {
    fail("\(error)")
}
