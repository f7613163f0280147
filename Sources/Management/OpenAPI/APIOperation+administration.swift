import HTTPTypes
import JSON

extension APIOperation {
    static let administration: [APIOperation] = users + virtualHosts + permissions + definitions

    private static let users: [APIOperation] = [
        list("/api/users", "All users", "User"),
        list("/api/users/without-permissions", "Users who may open no virtual host", "User"),
        post(
            "/api/users/bulk-delete", "Deletes users",
            .object(["users": .array(.string)], required: ["users"]), .noContent),
        get("/api/users/{user}", "A user", .reference("User")),
        put(
            "/api/users/{user}", "Makes or changes a user",
            .object(
                [
                    "password": .string, "password_hash": .string,
                    "hashing_algorithm": .string, "tags": .either(.string, .array(.string)), "limits": .object,
                ], required: ["tags"])),
        delete("/api/users/{user}", "Deletes a user, and closes their connections"),
        list("/api/users/{user}/permissions", "What a user may do", "Permission"),
        list("/api/users/{user}/topic-permissions", "What topics a user may use", "TopicPermission"),
        list("/api/user-limits", "Limits of users", "Object"),
        list("/api/user-limits/{user}", "Limits of a user", "Object"),
        put(
            "/api/user-limits/{user}/{name}", "Limits a user: max-connections, max-channels",
            .object(["value": .integer], required: ["value"])),
        delete("/api/user-limits/{user}/{name}", "Lifts a limit of a user"),
    ]

    private static let virtualHosts: [APIOperation] = [
        list("/api/vhosts", "All virtual hosts", "VirtualHost"),
        get("/api/vhosts/{vhost}", "A virtual host", .reference("VirtualHost")),
        put(
            "/api/vhosts/{vhost}", "Makes or changes a virtual host",
            .object(
                [
                    "description": .string, "tags": .either(.string, .array(.string)), "default_queue_type": .string,
                    "tracing": .boolean,
                ])),
        delete("/api/vhosts/{vhost}", "Deletes a virtual host with everything in it, and closes its connections"),
        post("/api/vhosts/{vhost}/start/{node}", "Does nothing: virtual hosts always run", nil, .noContent),
        list("/api/vhosts/{vhost}/permissions", "What users may do in a virtual host", "Permission"),
        list("/api/vhosts/{vhost}/topic-permissions", "What topics users may use there", "TopicPermission"),
        get(
            "/api/vhosts/{vhost}/deletion/protection", "Whether the virtual host can be deleted",
            .object(["protected_from_deletion": .boolean])),
        post("/api/vhosts/{vhost}/deletion/protection", "Protects it from being deleted", nil, .noContent),
        delete("/api/vhosts/{vhost}/deletion/protection", "Lets it be deleted"),
        list("/api/vhost-limits", "Limits of virtual hosts", "Object"),
        list("/api/vhost-limits/{vhost}", "Limits of a virtual host", "Object"),
        put(
            "/api/vhost-limits/{vhost}/{name}", "Limits a virtual host: max-connections, max-queues",
            .object(["value": .integer], required: ["value"])),
        delete("/api/vhost-limits/{vhost}/{name}", "Lifts a limit of a virtual host"),
    ]

    private static let permissions: [APIOperation] = [
        list("/api/permissions", "What users may do", "Permission"),
        get("/api/permissions/{vhost}/{user}", "What a user may do in a virtual host", .reference("Permission")),
        put(
            "/api/permissions/{vhost}/{user}", "Allows a user what the patterns match",
            .object(
                ["configure": .string, "write": .string, "read": .string],
                required: ["configure", "write", "read"])),
        delete("/api/permissions/{vhost}/{user}", "Takes a user's permissions away"),
        list("/api/topic-permissions", "What topics users may use", "TopicPermission"),
        list("/api/topic-permissions/{vhost}/{user}", "What topics a user may use there", "TopicPermission"),
        put(
            "/api/topic-permissions/{vhost}/{user}", "Allows a user the topics that the patterns match",
            .object(
                ["exchange": .string, "write": .string, "read": .string], required: ["exchange", "write", "read"])),
        delete("/api/topic-permissions/{vhost}/{user}", "Takes a user's topic permissions away"),
        list(
            "/api/topic-permissions/{vhost}/{user}/{exchange}", "What topics a user may use on an exchange",
            "TopicPermission"),
        delete(
            "/api/topic-permissions/{vhost}/{user}/{exchange}", "Takes a user's topic permissions on an exchange away"),
    ]

    private static let definitions: [APIOperation] =
        ["/api/definitions", "/api/all-configuration"].flatMap {
            [
                get($0, "Everything that was declared and configured, as RabbitMQ exports it", .object),
                post($0, "Declares and configures everything of an export", .object, .json(.object), .noContent),
            ]
        } + [
            get("/api/definitions/{vhost}", "Everything that was declared in a virtual host", .object),
            post(
                "/api/definitions/{vhost}", "Declares everything of an export in a virtual host", .object,
                .json(.object),
                .noContent),
        ]

    static let rules: [APIOperation] =
        [("policies", "policy", "policies"), ("operator-policies", "operator policy", "operator policies")].flatMap {
            path, one, many in
            [
                list("/api/\(path)", "All \(many)", "Policy"),
                list("/api/\(path)/{vhost}", "A virtual host's \(many)", "Policy"),
                get("/api/\(path)/{vhost}/{name}", "A \(one)", .reference("Policy")),
                put(
                    "/api/\(path)/{vhost}/{name}", "Sets a \(one)",
                    .object(
                        [
                            "pattern": .string, "definition": .object, "priority": .integer,
                            "apply-to": .choice(["all", "queues", "exchanges", "classic_queues", "quorum_queues"]),
                        ], required: ["pattern", "definition"])),
                delete("/api/\(path)/{vhost}/{name}", "Clears a \(one)"),
            ]
        } + [
            list("/api/parameters", "All runtime parameters", "Parameter"),
            list("/api/parameters/{component}", "A component's parameters", "Parameter"),
            list("/api/parameters/{component}/{vhost}", "A component's parameters in a virtual host", "Parameter"),
            get("/api/parameters/{component}/{vhost}/{name}", "A parameter", .reference("Parameter")),
            put(
                "/api/parameters/{component}/{vhost}/{name}", "Sets a parameter",
                .object(["value": .any], required: ["value"])),
            delete("/api/parameters/{component}/{vhost}/{name}", "Clears a parameter"),
            list("/api/global-parameters", "All global parameters", "Parameter"),
            get("/api/global-parameters/{name}", "A global parameter", .reference("Parameter")),
            put(
                "/api/global-parameters/{name}", "Sets a global parameter",
                .object(["value": .any], required: ["value"])),
            delete("/api/global-parameters/{name}", "Clears a global parameter"),
        ]
}
