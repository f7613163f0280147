import Foundation

/// The generated files of a package: where the sources lie, and what differs from what is there.
struct Generation {
    static let command = "swift run AMQPWireGenerator"
    static let documentNames = ["amqp0-9-1.extended.xml", "amqp0-9-1.access.xml"]

    let directory: URL
    let files: [GeneratedFile]

    init(packagePath: String) throws {
        let sources = URL(fileURLWithPath: packagePath).appendingPathComponent("Sources")
        let documents = try Self.documentNames.map { name in
            let file = sources.appendingPathComponent("AMQPWireGenerator").appendingPathComponent(name)
            do {
                return (name: name, content: try Data(contentsOf: file))
            } catch { throw GeneratorError("cannot read \(file.path)") }
        }
        directory = sources.appendingPathComponent("AMQPWire").appendingPathComponent("Generated")
        files = SwiftEmitter(specification: try SpecificationParser.parse(documents).corrected()).files()
    }

    /// Writes the files whose text differs.
    ///
    /// - Returns: the names of those it wrote.
    func write() throws -> [String] {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        var written: [String] = []
        for file in files where text(of: file.name) != file.text {
            try Data(file.text.utf8).write(to: directory.appendingPathComponent(file.name))
            written.append(file.name)
        }
        return written
    }

    /// A sentence for each file that is missing, differs, or is not the generator's; empty if all is as generated.
    func differences() -> [String] {
        var differences: [String] = []
        for file in files {
            guard let text = text(of: file.name) else {
                differences.append("\(file.name) is missing; run `\(Self.command)`")
                continue
            }
            if text != file.text {
                let line = Self.firstDifferingLine(text, file.text)
                differences.append("\(file.name) differs from line \(line) on; run `\(Self.command)`")
            }
        }
        return differences + strays().map { "\($0) is not generated; it does not belong into Generated" }
    }

    /// Files in the directory that the generator does not write, which a changed specification leaves behind.
    func strays() -> [String] {
        let names = Set(files.map(\.name))
        let present = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return present.filter { !names.contains($0) }.sorted()
    }

    private func text(of name: String) -> String? {
        (try? Data(contentsOf: directory.appendingPathComponent(name))).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Counted from 1. Texts that are equal as far as the shorter one goes differ in the line behind that.
    static func firstDifferingLine(_ left: String, _ right: String) -> Int {
        let leftLines = left.split(separator: "\n", omittingEmptySubsequences: false)
        let rightLines = right.split(separator: "\n", omittingEmptySubsequences: false)
        return zip(leftLines, rightLines).prefix { $0 == $1 }.count + 1
    }
}
