/// A kind of thing that commands name, and where its names are listed: a mistyped name gets a suggestion.
struct NamedKind: Sendable {
    let noun: String
    let list: @Sendable (_ virtualHost: String) -> APIPath
    var isOfVirtualHost = true
    /// What such things belong to besides, as it stands behind a name.
    var owner = ""
    /// The command that lists them, where it is not called as the API's list is.
    var listCommand: String?

    /// The words of the command that lists them.
    var listingCommand: String {
        listCommand ?? list("/").description.dropFirst().prefix { $0 != "/" && $0 != "?" } + " list"
    }

    static let queue = NamedKind(noun: "queue") { APIPath("queues", $0).with("columns", "name") }
    static let exchange = NamedKind(noun: "exchange") { APIPath("exchanges", $0).with("columns", "name") }
    static let policy = NamedKind(noun: "policy") { APIPath("policies", $0) }
    static let operatorPolicy = NamedKind(noun: "operator policy") { APIPath("operator-policies", $0) }
    static let user = NamedKind(noun: "user", list: { _ in APIPath("users") }, isOfVirtualHost: false)
    static let virtualHost = NamedKind(
        noun: "virtual host", list: { _ in APIPath("vhosts").with("columns", "name") }, isOfVirtualHost: false)
    static let connection = NamedKind(
        noun: "connection", list: { _ in APIPath("connections").with("columns", "name") }, isOfVirtualHost: false)
    static let globalParameter = NamedKind(
        noun: "global parameter", list: { _ in APIPath("global-parameters") }, isOfVirtualHost: false,
        listCommand: "parameters list --global")

    static func parameter(_ component: String) -> NamedKind {
        NamedKind(
            noun: "parameter", list: { APIPath("parameters", component, $0) }, owner: " of component '\(component)'")
    }
}

extension ManagementClient {
    /// The error for a name that the broker does not know, with the nearest that it knows.
    func missing(_ kind: NamedKind, _ name: String, in virtualHost: String = "/") async -> ControlError {
        guard let known = try? await get(kind.list(virtualHost)) else {
            if kind.isOfVirtualHost { return await missing(.virtualHost, virtualHost) }
            return ControlError("there is no \(kind.noun) '\(name)'")
        }
        let names = known.items.compactMap { $0["name"].text }
        let place = kind.isOfVirtualHost ? " in virtual host '\(virtualHost)'" : ""
        let hint = NearestName.suggestion(name, among: names)
        return ControlError(
            "there is no \(kind.noun) '\(name)'\(kind.owner)\(place)."
                + (hint.isEmpty ? " See what there is: leveretctl \(kind.listingCommand)" : hint))
    }

    /// Runs a request that names something; what the broker does not know becomes an error with a suggestion.
    func naming<Result: Sendable>(
        _ kind: NamedKind, _ name: String, in virtualHost: String = "/",
        _ request: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await request()
        } catch let error as ServerError where error.isNotFound {
            throw await missing(kind, name, in: virtualHost)
        }
    }
}
