extension Configuration {
    /// What the sample file sets: a service is watched.
    private static let setInSample = ["prometheus.tcp.port"]

    /// The text of `Config/leveret.conf`: every key of the table with its default and its explanation, nearly all of
    /// them commented out.
    package static func sampleFile() -> String {
        var text = """
            # Leveret's configuration, in the form of rabbitmq.conf: one "key = value" a line, # starts a comment, and a
            # value that holds a # stands in single quotes. Of equal keys the last one counts. Where RabbitMQ has a key,
            # the name and the meaning are RabbitMQ's.
            #
            # Every key is here, with its default. Start with this file: leveret --config leveret.conf

            """
        for key in ConfigurationKey.all {
            text += "\n"
            for line in key.documentation.split(separator: "\n") { text += "## \(line)\n" }
            text += "## Value: \(key.expectation).\n"
            if let alias = key.alias { text += "## Also known as \(alias).\n" }
            text += "\(setInSample.contains(key.name) ? "" : "# ")\(key.sampleSetting)\n"
        }
        return text
    }
}

extension ConfigurationKey {
    /// The key with its default, such as `heartbeat = 60`.
    fileprivate var sampleSetting: String {
        let initial = Configuration { _ in nil }
        return switch kind {
        case .listener: "listeners.tcp.default = \(valueText(in: initial))"
        case .listItem: example
        case .loopbackUser: "loopback_users.guest = true"
        case .userTag: "default_user_tags.administrator = true"
        default: "\(name) = \(defaultText ?? valueText(in: initial))"
        }
    }
}
