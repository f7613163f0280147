/// A page of metrics, read as strictly as Prometheus reads it.
struct ParsedPage {
    struct Sample: Equatable {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Violation: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var samples: [Sample] = []
    private(set) var types: [String: String] = [:]

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Violation(description: "no line feed at the end") }
        var family = ""
        var helped: Set<String> = []
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            if line.hasPrefix("# HELP ") {
                guard helped.insert(words[2]).inserted, words.count == 4 else {
                    throw Violation(description: "a family comes twice, or has no help: \(line)")
                }
                family = words[2]
            } else if line.hasPrefix("# TYPE ") {
                guard words[2] == family, ["counter", "gauge", "histogram", "untyped"].contains(words[3]) else {
                    throw Violation(description: "no type: \(line)")
                }
                types[family] = words[3]
            } else {
                let sample = try Self.sample(line)
                let names = [family] + (types[family] == "histogram" ? ["_bucket", "_sum", "_count"] : []).map { family + $0 }
                guard names.contains(sample.name) else { throw Violation(description: "of another family: \(line)") }
                samples.append(sample)
            }
        }
        let keys = samples.map { "\($0.name)\($0.labels.sorted { $0.key < $1.key })" }
        guard Set(keys).count == keys.count else { throw Violation(description: "a sample comes twice") }
    }

    private static func sample(_ line: Substring) throws -> Sample {
        let name = line.prefix { $0 != "{" && $0 != " " }
        var rest = line.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let label = rest.prefix { $0 != "=" }
                rest = rest.dropFirst(label.count)
                guard rest.hasPrefix("=\"") else { throw Violation(description: "no label: \(line)") }
                rest = rest.dropFirst(2)
                var value = ""
                while let character = rest.popFirst(), character != "\"" {
                    guard character == "\\" else {
                        value.append(character)
                        continue
                    }
                    switch rest.popFirst() {
                    case "\\": value.append("\\")
                    case "\"": value.append("\"")
                    case "n": value.append("\n")
                    default: throw Violation(description: "no escape: \(line)")
                    }
                }
                labels[String(label)] = value
                if rest.first == "," { rest = rest.dropFirst() }
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " ", let value = Double(rest.dropFirst()) else {
            throw Violation(description: "no value: \(line)")
        }
        return Sample(name: String(name), labels: labels, value: value)
    }

    func named(_ name: String) -> [Sample] { samples.filter { $0.name == name } }

    /// The value of the one sample that has these labels, among others.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let found = named(name).filter { sample in labels.allSatisfy { sample.labels[$0.key] == $0.value } }
        return found.count == 1 ? found[0].value : nil
    }
}
