import ArgumentParser
import Console
import JSON

/// How results are printed.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @Flag(name: [.long, .customShort("q")], help: "Print only names, one a line; do not tell what was done.")
    var quiet = false
}

/// For commands that change something.
struct ChangeOptions: ParsableArguments {
    @Flag(name: [.long, .customShort("q")], help: "Do not tell what was done.")
    var quiet = false

    /// One line that says what was done.
    func done(_ text: String) {
        if !quiet { StandardOutput.write(printable(text) + "\n") }
    }
}

/// For commands that take something away.
struct ConfirmationOptions: ParsableArguments {
    @Flag(name: [.long, .customShort("y")], help: "Do not ask.")
    var yes = false

    /// rabbitmqctl never asks, and scripts that were written for it go on: without a terminal it is not asked.
    @Flag(help: .private)
    var likeRabbitmqctl = false

    /// Says what is going to happen and asks. Without a terminal nobody can answer: then nothing is done.
    ///
    /// - Parameter action: such as `delete queue 'orders' in '/' with 12 messages`.
    func ask(_ action: String) throws {
        if yes { return }
        guard Terminal.isInput, Terminal.isErrors else {
            if likeRabbitmqctl { return }
            throw ControlError("this would \(action); nothing was done. Say --yes if that is wanted")
        }
        TextOutput.error.write("This will \(printable(action)). Go on? [y/N] ")
        let answer = StandardInput.line(upTo: 64)?.lowercased() ?? ""
        guard ["y", "yes"].contains(answer) else { throw ControlError("nothing was done") }
    }
}

enum Report {
    static func write(_ lines: [String]) {
        var buffer = LineBuffer()
        for line in lines { buffer.append(line) }
        buffer.flush()
    }

    static func write(_ json: JSONValue) { StandardOutput.write(json.pretty) }

    /// A note that is not part of the result.
    static func note(_ text: String) { TextOutput.error.write("leveretctl: \(printable(text))\n") }
}

/// How names are shown in sentences.
func quoted(_ name: String) -> String { "'\(name)'" }
