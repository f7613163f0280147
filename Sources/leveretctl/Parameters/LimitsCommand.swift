import ArgumentParser
import JSON

/// `leveretctl limits`.
struct LimitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "limits", "How much a virtual host or a user may have: list, set, clear.", [List.self, Set.self, Clear.self])

    /// RabbitMQ's names.
    static let known = ["max-queues", "max-connections", "max-channels"]

    struct List: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists limits of virtual hosts and of users.",
            examples: ["leveretctl limits list", "leveretctl limits list --json"])

        @OptionGroup var output: OutputOptions
        @Flag(help: "Tabs between columns.") var tabs = false
        @Flag(help: "No line of titles.") var noHeaders = false
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            async let ofVirtualHosts = client.get(APIPath("vhost-limits")).items
            async let ofUsers = client.get(APIPath("user-limits")).items
            let (virtualHosts, users) = try await (ofVirtualHosts, ofUsers)
            if output.json { return Report.write(["vhosts": .array(virtualHosts), "users": .array(users)]) }
            var table = Table(columns: [.init(title: "of"), .init(title: "name"), .init(title: "limits")])
            for limits in virtualHosts where !limits["value"].isEmpty {
                table.rows.append(["vhost", limits["vhost"].cell, limits["value"].cell])
            }
            for limits in users where !limits["value"].isEmpty {
                table.rows.append(["user", limits["user"].cell, limits["value"].cell])
            }
            if table.rows.isEmpty, Terminal.isOutput { return Report.note("there are no limits") }
            let hasTitles = !output.quiet && !noHeaders
            if tabs { return Report.write(table.tabbedLines(titles: hasTitles ? ["of", "name", "limits"] : nil)) }
            Report.write(
                table.lines(width: Terminal.size?.columns, hasTitles: hasTitles, isBold: Terminal.hasStyle))
        }
    }

    struct Set: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "set", "Sets a limit of a virtual host, or of a user: max-queues, max-connections, max-channels.",
            notes: "A JSON object sets several at once. -1 is no limit.",
            examples: [
                "leveretctl limits set max-queues 500", "leveretctl limits set max-connections 10 --of-user alice",
                "leveretctl limits set '{\"max-queues\":500,\"max-connections\":1000}' -p shop",
            ])

        @Argument(help: "Its name and value, or a JSON object.") var words: [String]
        @Option(help: ArgumentHelp("Of this user instead of a virtual host.", valueName: "user")) var ofUser: String?
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            try await LimitsCommand.requireOwner(ofUser, virtualHost.name, client)
            for member in try limits() {
                let path = LimitsCommand.path(ofUser, virtualHost.name, member.name)
                try await client.put(path, ["value": member.value])
                change.done(
                    "\(LimitsCommand.described(ofUser, virtualHost.name)): \(member.name) is \(member.value.cell)")
            }
        }

        private func limits() throws -> [JSONObject.Member] {
            if words.count == 1 { return try JSONArgument.object(words[0], "the limits").members }
            guard words.count == 2, let value = Int(words[1]) else {
                throw ControlError("expected a name and a number. For example: leveretctl limits set max-queues 500")
            }
            guard LimitsCommand.known.contains(words[0]) else {
                let hint = NearestName.suggestion(words[0], among: LimitsCommand.known)
                throw ControlError(
                    "there is no limit '\(words[0])'.\(hint) There are: \(LimitsCommand.known.joined(separator: ", "))")
            }
            return [JSONObject.Member(name: words[0], value: .integer(value))]
        }
    }

    struct Clear: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "clear", "Takes a limit of a virtual host or of a user away, or all of them.",
            examples: [
                "leveretctl limits clear max-queues --vhost shop --yes", "leveretctl limits clear --of-user bob --yes",
            ])

        @Argument(help: "Its name; all without one.") var name: String?
        @Option(help: ArgumentHelp("Of this user instead of a virtual host.", valueName: "user")) var ofUser: String?
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            try await LimitsCommand.requireOwner(ofUser, virtualHost.name, client)
            let list = ofUser.map { APIPath("user-limits", $0) } ?? APIPath("vhost-limits", virtualHost.name)
            let present = try await client.find(list)?.items.flatMap { $0["value"].members.map(\.name) } ?? []
            let names = name.map { [$0] } ?? present
            let owner = LimitsCommand.described(ofUser, virtualHost.name)
            for name in names where !present.contains(name) {
                throw ControlError("\(owner) has no limit '\(name)'.\(NearestName.suggestion(name, among: present))")
            }
            if names.isEmpty { return change.done("\(owner) has no limits") }
            try confirmation.ask("take \(names.joined(separator: ", ")) of \(owner) away")
            for name in names {
                try await client.delete(LimitsCommand.path(ofUser, virtualHost.name, name))
                change.done("\(owner): \(name) is not limited any more")
            }
        }
    }

    private static func path(_ user: String?, _ virtualHost: String, _ name: String) -> APIPath {
        user.map { APIPath("user-limits", $0, name) } ?? APIPath("vhost-limits", virtualHost, name)
    }

    private static func described(_ user: String?, _ virtualHost: String) -> String {
        user.map { "user '\($0)'" } ?? "virtual host '\(virtualHost)'"
    }

    private static func requireOwner(
        _ user: String?, _ virtualHost: String, _ client: ManagementClient
    ) async throws {
        guard let user else { return try await client.requireVirtualHost(virtualHost) }
        guard try await client.find(APIPath("users", user)) != nil else { throw await client.missing(.user, user) }
    }
}
