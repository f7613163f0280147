import ArgumentParser
import JSON

/// `x-` arguments of declarations and bindings.
struct ArgumentOptions: ParsableArguments {
    @Option(
        name: [.customLong("argument"), .customShort("a")],
        help: ArgumentHelp(
            "An argument, as often as needed. Numbers, true, false and JSON are taken as such.", valueName: "key=value")
    )
    var values: [String] = []

    func json() throws -> JSONValue { try Assignments.json(values, option: "--argument") }
}

/// `key=value` as a person writes it.
enum Assignments {
    /// These are texts also when they look like numbers.
    private static let textKeys: Set<String> = [
        "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-overflow", "x-queue-type", "x-queue-mode",
        "x-delayed-type", "x-match", "alternate-exchange", "hash-header", "hash-property", "x-queue-leader-locator",
        "x-dead-letter-strategy", "x-delayed-retry-type", "x-max-age",
    ]

    static func json(_ assignments: [String], option: String) throws -> JSONValue {
        var object = JSONValue.object(JSONObject())
        for assignment in assignments {
            guard let equals = assignment.firstIndex(of: "="), equals > assignment.startIndex else {
                throw ControlError("\(option) \(assignment) is not of the form key=value")
            }
            let key = String(assignment[..<equals])
            object[key] = value(of: String(assignment[assignment.index(after: equals)...]), key: key)
        }
        return object
    }

    private static func value(of text: String, key: String) -> JSONValue {
        guard let value = try? JSONValue(parsing: text) else { return .string(text) }
        if textKeys.contains(key) {
            if case .string = value { return value }
            return .string(text)
        }
        return value
    }
}
