import ArgumentParser
import JSON

/// `leveretctl policies`.
struct PoliciesCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "policies", "Policies, arguments for all queues and exchanges whose names match: list, set, clear.",
        [List.self, Set.self, Clear.self])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists policies.", examples: ["leveretctl policies list", "leveretctl policies list --json"])
        static let listing = PolicyKind.policy.listing

        @OptionGroup var list: ListOptions
        @OptionGroup var scope: ScopeOptions
        @OptionGroup var server: ServerOptions

        var additionalColumns: [String] { scope.columns }

        func rows(_ client: ManagementClient) async throws -> [JSONValue] { try await scope.get("policies", client) }
    }

    struct Set: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "set", "Sets a policy: a name, a pattern, and a definition in JSON.",
            notes: "Of several that match a queue or exchange the one with the highest priority counts.",
            examples: [
                "leveretctl policies set short '^logs\\.' '{\"max-length\":1000}'",
                "leveretctl policies set dead '^jobs' '{\"dead-letter-exchange\":\"unrouted\"}'",
                "leveretctl policies set brief '^l' '{\"message-ttl\":60000}' --apply-to queues",
                "leveretctl policies set long '^logs' '{\"max-length\":1000000}' --priority 5",
            ])

        @OptionGroup var policy: PolicyOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws { try await policy.set(.policy, client) }
    }

    struct Clear: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "clear", "Deletes a policy.", examples: ["leveretctl policies clear lengths --yes"])

        @OptionGroup var removal: PolicyRemovalOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws { try await removal.clear(.policy, client) }
    }
}

/// `leveretctl operator-policies`.
struct OperatorPoliciesCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "operator-policies", "Operator policies, bounds that nobody's policy exceeds: list, set, clear.",
        [List.self, Set.self, Clear.self])

    struct List: ListCommand {
        static let configuration = CommandConfiguration.command(
            "list", "Lists operator policies.", examples: ["leveretctl operator-policies list"])
        static let listing = PolicyKind.operatorPolicy.listing

        @OptionGroup var list: ListOptions
        @OptionGroup var scope: ScopeOptions
        @OptionGroup var server: ServerOptions

        var additionalColumns: [String] { scope.columns }

        func rows(_ client: ManagementClient) async throws -> [JSONValue] {
            try await scope.get("operator-policies", client)
        }
    }

    struct Set: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "set", "Sets an operator policy: a name, a pattern, and a definition in JSON.",
            examples: ["leveretctl operator-policies set bound '.*' '{\"max-length\":1000000}'"])

        @OptionGroup var policy: PolicyOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws { try await policy.set(.operatorPolicy, client) }
    }

    struct Clear: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "clear", "Deletes an operator policy.", examples: ["leveretctl operator-policies clear ceiling --yes"])

        @OptionGroup var removal: PolicyRemovalOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws { try await removal.clear(.operatorPolicy, client) }
    }
}
