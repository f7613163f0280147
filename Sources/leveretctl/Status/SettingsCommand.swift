import ArgumentParser
import Console
import JSON

/// `leveretctl settings`.
struct SettingsCommand: ServerCommand {
    static let configuration = CommandConfiguration.command(
        "settings", "The settings in effect: those of the configuration file, and defaults.",
        examples: ["leveretctl settings", "leveretctl settings --name 'disk*'"])

    @Option(help: ArgumentHelp("Only names with this in them; with * and ? the whole name.", valueName: "pattern"))
    var name: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ServerOptions

    func run(_ client: ManagementClient) async throws {
        let answer: JSONValue
        do {
            answer = try await client.get(APIPath("config", "effective"))
        } catch let error as ServerError where [404, 405, 406].contains(error.status) {
            throw ControlError("this broker does not tell its settings over HTTP: see its configuration file")
        }
        // What is no list of names and values is shown as it is.
        guard let members = answer.object?.members else { return Report.write(answer) }
        let chosen = members.filter { member in name.map { Glob.matches(member.name, $0) } ?? true }
        if output.json { return Report.write(.object(JSONObject(chosen))) }
        if output.quiet { return Report.write(chosen.map { printable($0.name) }) }
        var table = Table(columns: [.init(title: "name"), .init(title: "value")])
        table.rows = chosen.map { [$0.name, $0.value.cell] }
        Report.write(table.lines(width: Terminal.size?.columns, isBold: Terminal.hasStyle))
    }
}
