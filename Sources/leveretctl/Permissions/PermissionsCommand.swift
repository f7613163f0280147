import ArgumentParser
import JSON

/// `leveretctl permissions`.
struct PermissionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "permissions", "What users may do in a virtual host: list, set, clear.", [List.self, Set.self, Clear.self])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists permissions.",
            examples: ["leveretctl permissions list --all-vhosts", "leveretctl permissions list --of alice"])

        static let listing = Listing(
            noun: "permissions",
            columns: [.init("user"), .init("vhost"), .init("configure"), .init("write"), .init("read")],
            defaults: ["user", "configure", "write", "read"], nameColumn: "user")

        @OptionGroup var list: ListOptions
        @Option(help: ArgumentHelp("Only of this user, in all virtual hosts.", valueName: "user")) var of: String?
        @OptionGroup var scope: ScopeOptions
        @OptionGroup var server: ServerOptions

        var additionalColumns: [String] { of == nil ? scope.columns : ["vhost"] }

        func rows(_ client: ManagementClient) async throws -> [JSONValue] {
            try await scope.permissions("permissions", of: of, client)
        }
    }

    struct Set: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "set", "Says what a user may do: three regular expressions over names of exchanges and queues.",
            notes: "An expression matches anywhere in a name; '' allows nothing, '.*' everything.",
            examples: [
                "leveretctl permissions set alice '.*' '.*' '.*'",
                "leveretctl permissions set alice '^orders' '^(orders|audit)$' '^orders'",
            ])

        @Argument(help: "The user.") var name: String
        @Argument(help: "What it may declare and delete.") var configure: String
        @Argument(help: "What it may publish to, and bind.") var write: String
        @Argument(help: "What it may consume, get and purge.") var read: String
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            try await client.requireUserAndVirtualHost(name, virtualHost.name)
            try await client.put(
                APIPath("permissions", virtualHost.name, name),
                ["configure": .string(configure), "write": .string(write), "read": .string(read)])
            change.done("permissions of user '\(name)' in virtual host '\(virtualHost.name)' set")
        }
    }

    struct Clear: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "clear", "Takes all permissions of a user in a virtual host away.",
            examples: ["leveretctl permissions clear alice --yes"])

        @Argument(help: "The user.") var name: String
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            try await client.requireUserAndVirtualHost(name, virtualHost.name)
            try confirmation.ask(
                "take the permissions of user '\(name)' in virtual host '\(virtualHost.name)' away")
            do {
                try await client.delete(APIPath("permissions", virtualHost.name, name))
            } catch let error as ServerError where error.isNotFound {
                throw ControlError("user '\(name)' has no permissions in virtual host '\(virtualHost.name)'")
            }
            change.done("user '\(name)' has no permissions in virtual host '\(virtualHost.name)' any more")
        }
    }
}

/// `leveretctl topic-permissions`.
struct TopicPermissionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "topic-permissions", "Which routing keys users may use at topic exchanges: list, set, clear.",
        [List.self, Set.self, Clear.self])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists topic permissions.",
            examples: ["leveretctl topic-permissions list", "leveretctl topic-permissions list --of alice"])

        static let listing = Listing(
            noun: "topic permissions",
            columns: [.init("user"), .init("vhost"), .init("exchange"), .init("write"), .init("read")],
            defaults: ["user", "exchange", "write", "read"], nameColumn: "user")

        @OptionGroup var list: ListOptions
        @Option(help: ArgumentHelp("Only of this user, in all virtual hosts.", valueName: "user")) var of: String?
        @OptionGroup var scope: ScopeOptions
        @OptionGroup var server: ServerOptions

        var additionalColumns: [String] { of == nil ? scope.columns : ["vhost"] }

        func rows(_ client: ManagementClient) async throws -> [JSONValue] {
            try await scope.permissions("topic-permissions", of: of, client)
        }
    }

    struct Set: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "set", "Says which routing keys a user may publish with and bind with at a topic exchange.",
            examples: ["leveretctl topic-permissions set alice orders '^order\\.' '.*'"])

        @Argument(help: "The user.") var name: String
        @Argument(help: "The topic exchange.") var exchange: String
        @Argument(help: "Keys it may publish with: a regular expression.") var write: String
        @Argument(help: "Keys it may bind with: a regular expression.") var read: String
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            try await client.requireUserAndVirtualHost(name, virtualHost.name)
            try await client.put(
                APIPath("topic-permissions", virtualHost.name, name),
                ["exchange": .string(exchange), "write": .string(write), "read": .string(read)])
            change.done("topic permissions of user '\(name)' at exchange '\(exchange)' set")
        }
    }

    struct Clear: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "clear", "Takes topic permissions of a user away, all or those at one exchange: it may use all keys again.",
            examples: [
                "leveretctl topic-permissions clear alice --yes",
                "leveretctl topic-permissions clear alice orders --yes",
            ])

        @Argument(help: "The user.") var name: String
        @Argument(help: "Only at this exchange.") var exchange: String?
        @OptionGroup var virtualHost: VirtualHostOption
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            try await client.requireUserAndVirtualHost(name, virtualHost.name)
            let place = exchange.map { " at exchange '\($0)'" } ?? ""
            try confirmation.ask("take the topic permissions of user '\(name)'\(place) away")
            let path = APIPath("topic-permissions", virtualHost.name, name)
            do {
                try await client.delete(
                    exchange.map { APIPath("topic-permissions", virtualHost.name, name, $0) } ?? path)
            } catch let error as ServerError where error.isNotFound {
                throw ControlError("user '\(name)' has no topic permissions\(place)")
            }
            change.done("user '\(name)' has no topic permissions\(place) any more")
        }
    }
}

extension ManagementClient {
    /// Names whichever of the two is not there.
    func requireUserAndVirtualHost(_ user: String, _ virtualHost: String) async throws {
        guard try await find(APIPath("users", user)) != nil else { throw await missing(.user, user) }
        try await requireVirtualHost(virtualHost)
    }

    func requireVirtualHost(_ name: String) async throws {
        guard try await find(APIPath("vhosts", name)) != nil else { throw await missing(.virtualHost, name) }
    }
}

extension ScopeOptions {
    /// Of one user in all virtual hosts, or of all users in this scope.
    fileprivate func permissions(_ kind: String, of user: String?, _ client: ManagementClient) async throws
        -> [JSONValue]
    {
        if let user {
            return try await client.naming(.user, user) {
                try await client.get(APIPath("users", user, kind)).items
            }
        }
        if allVhosts { return try await client.get(APIPath(kind)).items }
        let name = virtualHost.name
        return try await client.naming(.virtualHost, name) {
            try await client.get(APIPath("vhosts", name, kind)).items
        }
    }
}
