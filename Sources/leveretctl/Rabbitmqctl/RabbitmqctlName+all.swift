import JSON

extension RabbitmqctlName {
    /// Every name that is known, with what it stands for.
    static let all = lists + access + settings + others

    private static let lists: [RabbitmqctlName] = [
        RabbitmqctlName(
            "list_queues", "queues list", .list(columns: ["name", "messages"]), example: "list_queues name messages"),
        RabbitmqctlName(
            "list_exchanges", "exchanges list", .list(columns: ["name", "type"]), example: "list_exchanges -p shop name"
        ),
        RabbitmqctlName(
            "list_bindings", "bindings list --default",
            .list(
                columns: [
                    "source_name", "source_kind", "destination_name", "destination_kind", "routing_key", "arguments",
                ])),
        RabbitmqctlName(
            "list_connections", "connections list", .list(columns: ["user", "peer_host", "peer_port", "state"]),
            example: "list_connections user peer_host state"),
        RabbitmqctlName(
            "list_channels", "channels list",
            .list(columns: ["pid", "user", "consumer_count", "messages_unacknowledged"])),
        RabbitmqctlName(
            "list_consumers", "consumers list",
            .list(
                columns: [
                    "queue_name", "channel_pid", "consumer_tag", "ack_required", "prefetch_count", "active",
                    "arguments",
                ])),
        RabbitmqctlName("list_users", "users list", .list(columns: ["user", "tags"]), example: "list_users -q"),
        RabbitmqctlName("list_vhosts", "vhosts list", .list(columns: ["name"]), example: "list_vhosts name tracing"),
        RabbitmqctlName(
            "list_permissions", "permissions list", .list(columns: ["user", "configure", "write", "read"]),
            example: "list_permissions -p /"),
        RabbitmqctlName(
            "list_user_permissions", "permissions list --of", .list(columns: ["vhost", "configure", "write", "read"]),
            example: "list_user_permissions alice"),
        RabbitmqctlName(
            "list_topic_permissions", "topic-permissions list",
            .list(columns: ["user", "exchange", "write", "read"])),
        RabbitmqctlName(
            "list_user_topic_permissions", "topic-permissions list --of",
            .list(columns: ["vhost", "exchange", "write", "read"]), example: "list_user_topic_permissions alice"),
        RabbitmqctlName(
            "list_policies", "policies list",
            .list(columns: ["vhost", "name", "pattern", "apply-to", "definition", "priority"])),
        RabbitmqctlName(
            "list_operator_policies", "operator-policies list",
            .list(columns: ["vhost", "name", "pattern", "apply-to", "definition", "priority"])),
        RabbitmqctlName("list_parameters", "parameters list", .list(columns: ["component", "name", "value"])),
        RabbitmqctlName("list_global_parameters", "parameters list --global", .list(columns: ["name", "value"])),
        RabbitmqctlName("list_vhost_limits", "limits list", .list(columns: [])),
        RabbitmqctlName("list_user_limits", "limits list", .list(columns: [])),
    ]

    private static let access: [RabbitmqctlName] = [
        RabbitmqctlName(
            "add_user", "users add", example: "add_user dora <<< \"$NEW_PASSWORD\"",
            arranged: { try $0.withoutPassword("add_user") }),
        RabbitmqctlName("delete_user", "users delete", example: "delete_user bob"),
        RabbitmqctlName(
            "change_password", "users password", example: "change_password alice <<< \"$NEW_PASSWORD\"",
            arranged: { try $0.withoutPassword("change_password") }),
        RabbitmqctlName("clear_password", "users clear-password", example: "clear_password bob"),
        RabbitmqctlName(
            "authenticate_user", "users authenticate", example: "authenticate_user alice <<< \"$ALICE_PASSWORD\"",
            arranged: { try $0.withoutPassword("authenticate_user") }),
        RabbitmqctlName("set_user_tags", "users tags", example: "set_user_tags alice monitoring"),
        RabbitmqctlName("set_permissions", "permissions set", example: "set_permissions -p / alice '.*' '.*' '.*'"),
        RabbitmqctlName("clear_permissions", "permissions clear", example: "clear_permissions -p / alice"),
        RabbitmqctlName(
            "set_topic_permissions", "topic-permissions set", example: "set_topic_permissions alice orders '^o' '.*'"),
        RabbitmqctlName("clear_topic_permissions", "topic-permissions clear", example: "clear_topic_permissions alice"),
        RabbitmqctlName("add_vhost", "vhosts add", example: "add_vhost staging --description 'before it counts'"),
        RabbitmqctlName("delete_vhost", "vhosts delete", example: "delete_vhost shop"),
        RabbitmqctlName("update_vhost_metadata", "vhosts update", example: "update_vhost_metadata shop --tags live"),
        RabbitmqctlName("set_vhost_limits", "limits set", example: "set_vhost_limits -p shop '{\"max-queues\":50}'"),
        RabbitmqctlName("clear_vhost_limits", "limits clear", example: "clear_vhost_limits -p shop"),
        RabbitmqctlName(
            "set_user_limits", "limits set", example: "set_user_limits alice '{\"max-channels\":20}'",
            arranged: { Array($0.positional.dropFirst()) + ["--of-user"] + $0.positional.prefix(1) }),
        RabbitmqctlName(
            "clear_user_limits", "limits clear", example: "clear_user_limits bob all",
            arranged: { $0.positional.dropFirst().filter { $0 != "all" } + ["--of-user"] + $0.positional.prefix(1) }),
    ]

    private static let settings: [RabbitmqctlName] = [
        RabbitmqctlName(
            "set_policy", "policies set", example: "set_policy short '^logs' '{\"max-length\":10}' --apply-to queues"),
        RabbitmqctlName("clear_policy", "policies clear", example: "clear_policy lengths"),
        RabbitmqctlName(
            "set_operator_policy", "operator-policies set", example: "set_operator_policy cap '.*' '{\"max-length\":9}'"
        ),
        RabbitmqctlName(
            "clear_operator_policy", "operator-policies clear", example: "clear_operator_policy ceiling"),
        RabbitmqctlName(
            "set_parameter", "parameters set", example: "set_parameter vhost-limits limits '{\"max-queues\":500}'"),
        RabbitmqctlName("clear_parameter", "parameters clear", example: "clear_parameter -p shop vhost-limits limits"),
        RabbitmqctlName(
            "set_global_parameter", "parameters set --global", example: "set_global_parameter region '\"north\"'"),
        RabbitmqctlName(
            "clear_global_parameter", "parameters clear --global", example: "clear_global_parameter tier"),
        RabbitmqctlName(
            "set_cluster_name", "parameters set --global cluster_name", example: "set_cluster_name office",
            arranged: { $0.positional.map { JSONValue.string($0).compact } }),
        RabbitmqctlName("export_definitions", "definitions export", example: "export_definitions all.json"),
        RabbitmqctlName("import_definitions", "definitions import", example: "import_definitions broker.json"),
        RabbitmqctlName(
            "trace_on", "vhosts update --tracing on", example: "trace_on -p shop", arranged: { [$0.virtualHost ?? "/"] }
        ),
        RabbitmqctlName(
            "trace_off", "vhosts update --tracing off", example: "trace_off -p shop",
            arranged: { [$0.virtualHost ?? "/"] }),
    ]

    private static let others: [RabbitmqctlName] = [
        RabbitmqctlName("purge_queue", "queues purge", example: "purge_queue orders"),
        RabbitmqctlName("delete_queue", "queues delete", example: "delete_queue old --if-empty"),
        RabbitmqctlName(
            "close_connection", "connections close",
            example: "close_connection '127.0.0.1:40000 -> 127.0.0.1:5672' maintenance",
            arranged: { $0.positional.prefix(1) + Self.reason($0.positional.dropFirst()) }),
        RabbitmqctlName(
            "close_all_connections", "connections close", example: "close_all_connections -p shop maintenance",
            // Without --global it is about one virtual host, / if none is named.
            arranged: { arguments in
                let which = arguments.isGlobal ? ["--all"] : ["--vhost", arguments.virtualHost ?? "/"]
                return which + Self.reason(arguments.positional[...])
            }),
        RabbitmqctlName(
            "close_all_user_connections", "connections close --of",
            example: "close_all_user_connections alice rotation",
            arranged: { $0.positional.prefix(1) + Self.reason($0.positional.dropFirst()) }),
        RabbitmqctlName("cluster_status", "status", .report),
        RabbitmqctlName("environment", "settings", .report),
        RabbitmqctlName("report", "status", .report),
        RabbitmqctlName("node_health_check", "check", .report),
        RabbitmqctlName("await_startup", "ping --wait 300", .report),
    ]

    private static func reason(_ words: ArraySlice<String>) -> [String] {
        words.isEmpty ? [] : ["--reason", words.joined(separator: " ")]
    }
}
