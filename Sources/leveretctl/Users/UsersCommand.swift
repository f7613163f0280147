import ArgumentParser
import JSON

/// `leveretctl users`.
struct UsersCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "users", "Users: list, add, change, delete. Passwords are asked for, or read from standard input.",
        [
            List.self, Add.self, ChangePassword.self, ClearPassword.self, Tags.self, Delete.self, Authenticate.self,
        ])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists users.", examples: ["leveretctl users list", "leveretctl users list --quiet"])

        static let listing = Listing(
            noun: "users",
            columns: [
                .init("name"), .init("tags"), .init("limits"), .init("hashing_algorithm", title: "password hash"),
                .init("user", path: "name"),
            ],
            defaults: ["name", "tags", "limits", "hashing_algorithm"], nameColumn: "name")

        @OptionGroup var list: ListOptions
        @OptionGroup var server: ServerOptions

        func rows(_ client: ManagementClient) async throws -> [JSONValue] {
            try await client.get(APIPath("users")).items.map { user in
                // One form for lists and for the text of older servers.
                var user = user
                user["tags"] = .array(user["tags"].words.map { .string($0) })
                // The hash helps nobody who reads, and need not be on a screen.
                if !list.columns.contains("password_hash"), let members = user.object?.members {
                    user = .object(JSONObject(members.filter { $0.name != "password_hash" }))
                }
                return user
            }
        }
    }

    struct Add: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "add", "Adds a user. The password is asked for, or is a line of standard input.",
            notes: """
                The new user may do nothing until it gets permissions, and may use the HTTP API once
                it has the tag management, monitoring, policymaker or administrator.
                """,
            examples: [
                "echo \"$NEW_PASSWORD\" | leveretctl users add carol --tags monitoring",
                "leveretctl users add service --no-password",
            ])

        @Argument(help: "Its name.") var name: String
        @Option(parsing: .upToNextOption, help: "Its tags.") var tags: [String] = []
        @Flag(help: "It cannot log in with a password.") var noPassword = false
        @Option(help: ArgumentHelp("The salted hash of its password, as in an export.", valueName: "base64"))
        var passwordHash: String?
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            let path = APIPath("users", name)
            guard try await client.find(path) == nil else {
                throw ControlError(
                    "user '\(name)' is there already: leveretctl users password changes its password, "
                        + "users tags its tags"
                )
            }
            var body: JSONValue = ["tags": .string(Self.joined(tags))]
            if let passwordHash {
                body["password_hash"] = .string(passwordHash)
            } else if noPassword {
                body["password_hash"] = ""
            } else {
                body["password"] = .string(try Password.new(for: name))
            }
            try await client.put(path, body)
            change.done("user '\(name)' added; give it permissions with: leveretctl permissions set")
        }

        /// Tags are words with commas between them.
        static func joined(_ tags: [String]) -> String {
            tags.flatMap { $0.split(separator: ",").map(String.init) }.joined(separator: ",")
        }
    }

    struct ChangePassword: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "password", "Changes a user's password, which is asked for, or is a line of standard input.",
            examples: ["echo \"$NEW_PASSWORD\" | leveretctl users password alice"])

        @Argument(help: "The user.") var name: String
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            try await client.changeUser(name) { user in
                user["password_hash"] = nil
                user["password"] = .string(try Password.new(for: name))
            }
            change.done("password of user '\(name)' changed")
        }
    }

    struct ClearPassword: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "clear-password", "Takes a user's password away: it cannot log in with one any more.",
            examples: ["leveretctl users clear-password alice --yes"])

        @Argument(help: "The user.") var name: String
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            try confirmation.ask("take the password of user '\(name)' away")
            try await client.changeUser(name) { $0["password_hash"] = "" }
            change.done("user '\(name)' has no password any more")
        }
    }

    struct Tags: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "tags", "Sets a user's tags: administrator, monitoring, policymaker, management; none takes all away.",
            examples: ["leveretctl users tags alice management policymaker", "leveretctl users tags alice"])

        @Argument(help: "The user.") var name: String
        @Argument(help: ArgumentHelp("Its tags from now on.", valueName: "tag")) var tags: [String] = []
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            try await client.changeUser(name) { $0["tags"] = .string(Add.joined(tags)) }
            change.done("tags of user '\(name)': \(tags.isEmpty ? "none" : tags.joined(separator: ", "))")
        }
    }

    struct Delete: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "delete", "Deletes a user with its permissions, and closes its connections.",
            examples: ["leveretctl users delete bob --yes"])

        @Argument(help: "The user.") var name: String
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            guard try await client.find(APIPath("users", name)) != nil else { throw await client.missing(.user, name) }
            try confirmation.ask("delete user '\(name)' with its permissions")
            try await client.naming(.user, name) { try await client.delete(APIPath("users", name)) }
            change.done("user '\(name)' deleted")
        }
    }

    struct Authenticate: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "authenticate", "Says whether a user's password, from standard input or asked for, is the right one.",
            examples: ["echo \"$ALICE_PASSWORD\" | leveretctl users authenticate alice"])

        @Argument(help: "The user.") var name: String
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            let password =
                Terminal.isInput
                ? try Password.prompt("password of \(name): ", insteadGive: "standard input")
                : try Password.fromStandardInput(of: name)
            let place = client.endpoint
            let endpoint = Endpoint(address: place.address, host: place.host, user: name, password: password)
            let asUser = ManagementClient(endpoint: endpoint, timeoutSeconds: client.timeoutSeconds)
            let answer = try await asUser.answer(to: APIPath("whoami"))
            if answer.status == 200 { return change.done("user '\(name)' may log in with this password") }
            let error = ServerError(status: answer.status, body: answer.body, request: "GET /api/whoami")
            guard answer.status == 401 || answer.status == 403 else { throw error }
            if answer.status == 401, try await isRightButUntagged(client) {
                throw ControlError(
                    "user '\(name)' has none of the tags that the HTTP API asks for, so its password cannot be "
                        + "checked here"
                )
            }
            if !change.quiet { Report.note("user '\(name)' may not log in with this password: \(error.reason)") }
            throw ExitCode(1)
        }

        /// Without a tag the HTTP API refuses everybody, whatever the password.
        private func isRightButUntagged(_ client: ManagementClient) async throws -> Bool {
            guard let user = try await client.find(APIPath("users", name)) else { return false }
            let tags = ["administrator", "monitoring", "policymaker", "management"]
            return !user["tags"].words.contains { tags.contains($0) }
        }
    }
}

extension ManagementClient {
    /// A PUT replaces a user whole: so what is to stay is read first.
    fileprivate func changeUser(_ name: String, _ change: (inout [String: JSONValue]) throws -> Void) async throws {
        guard let user = try await find(APIPath("users", name)) else { throw await missing(.user, name) }
        var body: [String: JSONValue] = ["tags": .string(user["tags"].words.joined(separator: ","))]
        body["password_hash"] = user["password_hash"].text.map { .string($0) } ?? ""
        if let algorithm = user["hashing_algorithm"].text { body["hashing_algorithm"] = .string(algorithm) }
        try change(&body)
        if body["password"] != nil { body["hashing_algorithm"] = nil }
        let members = body.sorted { $0.key < $1.key }.map { JSONObject.Member(name: $0.key, value: $0.value) }
        try await put(APIPath("users", name), .object(JSONObject(members)))
    }
}
