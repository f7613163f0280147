import ArgumentParser
import Console
import JSON

struct UnbindOptions: ParsableArguments {
    @Flag(help: "All bindings between the two, whatever their keys.") var all = false
    @OptionGroup var confirmation: ConfirmationOptions
}

/// A binding as a person names it.
struct BindingOptions: ParsableArguments {
    @Argument(help: "The exchange that messages come from.") var source: String
    @Argument(help: "The queue or exchange that they go to.") var destination: String
    @Argument(help: ArgumentHelp("Routing keys or patterns; none is the empty key.", valueName: "key"))
    var keys: [String] = []
    @Flag(help: "The destination is an exchange.") var toExchange = false
    @OptionGroup var arguments: ArgumentOptions
    @OptionGroup var virtualHost: VirtualHostOption

    func bind(_ client: ManagementClient, _ change: ChangeOptions) async throws {
        let arguments = try arguments.json()
        let path = try await path(client)
        for key in keys.isEmpty ? [""] : keys {
            try await client.post(path.bindings, ["routing_key": .string(key), "arguments": arguments])
            change.done("\(path.kind) '\(destination)' bound to exchange '\(source)'\(described(key))")
        }
    }

    func unbind(_ client: ManagementClient, _ removal: UnbindOptions, _ change: ChangeOptions) async throws {
        let arguments = try arguments.json().sorted
        let path = try await path(client)
        let all = try await client.get(path.bindings).items
        var found: [JSONValue] = []
        if removal.all {
            found = all
        } else {
            for key in keys.isEmpty ? [""] : keys {
                let matching = all.filter { binding in
                    guard binding["routing_key"].text == key else { return false }
                    // Arguments need to be told only where the key is not enough.
                    return self.arguments.values.isEmpty || binding["arguments"].sorted == arguments
                }
                guard matching.count < 2 || matching.contains(where: { $0["arguments"].isEmpty }) else {
                    throw ControlError(
                        "there are \(matching.count) such bindings\(described(key)): say which with "
                            + "--argument, or --all"
                    )
                }
                let exact = matching.first { $0["arguments"].isEmpty } ?? matching.first
                guard let exact else { throw missing(key, all) }
                found.append(exact)
            }
        }
        guard !found.isEmpty else { throw missing("", all) }
        let keys = found.compactMap { $0["routing_key"].text }.map { "'\($0)'" }.joined(separator: ", ")
        try removal.confirmation.ask(
            "remove \(Quantity.count(found.count, "binding")) (\(keys)) of \(path.kind) '\(destination)' to exchange "
                + "'\(source)' of virtual host '\(virtualHost.name)'")
        for binding in found {
            let last = binding["properties_key"].text ?? "~"
            try await client.delete(APIPath(path.names + [last]))
            change.done(
                "\(path.kind) '\(destination)' unbound from exchange '\(source)'"
                    + described(binding["routing_key"].text ?? "")
            )
        }
    }

    private func described(_ key: String) -> String { key.isEmpty ? "" : " with key '\(key)'" }

    private func missing(_ key: String, _ all: [JSONValue]) -> ControlError {
        let keys = all.compactMap { $0["routing_key"].text }
        let hint = NearestName.suggestion(key, among: keys.filter { !$0.isEmpty })
        let list =
            keys.isEmpty ? " There is none at all." : " There are: \(keys.map { "'\($0)'" }.joined(separator: ", "))"
        return ControlError(
            "'\(destination)' is not bound to exchange '\(source)'\(described(key)).\(hint)\(list)"
        )
    }

    /// Where its bindings are, after a look at whether source and destination exist.
    private func path(_ client: ManagementClient) async throws -> (kind: String, names: [String], bindings: APIPath) {
        let virtualHost = virtualHost.name
        guard try await client.find(APIPath("exchanges", virtualHost, source)) != nil else {
            throw await client.missing(.exchange, source, in: virtualHost)
        }
        var isExchange = toExchange
        if !isExchange, try await client.find(APIPath("queues", virtualHost, destination)) == nil {
            isExchange = try await client.find(APIPath("exchanges", virtualHost, destination)) != nil
            if !isExchange { throw await client.missing(.queue, destination, in: virtualHost) }
        } else if isExchange, try await client.find(APIPath("exchanges", virtualHost, destination)) == nil {
            throw await client.missing(.exchange, destination, in: virtualHost)
        }
        let names = ["bindings", virtualHost, "e", source, isExchange ? "e" : "q", destination]
        return (isExchange ? "exchange" : "queue", names, APIPath(names))
    }
}
