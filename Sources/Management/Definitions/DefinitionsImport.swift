import AMQPWire
import Broker
import Node

/// Makes what definitions describe. What is there and has the same name stays (queues, exchanges) or is set as the
/// definitions say (everything else), so importing twice is importing once.
package struct DefinitionsImport: Sendable {
    let administration: Administration
    let definitions: Definitions
    /// Called as it goes on: a category and how many of it are to come.
    let progress: @Sendable (String, Int) -> Void

    package init(
        _ definitions: Definitions, administration: Administration,
        progress: @escaping @Sendable (String, Int) -> Void = { _, _ in }
    ) {
        self.definitions = definitions
        self.administration = administration
        self.progress = progress
    }

    /// Returns when everything is on stable storage.
    ///
    /// - Throws: What speaks against it; then nothing was changed.
    package func run() async throws(DefinitionsError) -> DefinitionsReport {
        try check()
        var report = DefinitionsReport(notes: definitions.notes)
        // RabbitMQ's order: what comes later refers to what came before.
        addUsers(&report)
        addVirtualHosts(&report)
        addPermissions(&report)
        await addExchanges(&report)
        addGlobalParameters(&report)
        addPolicies(&report)
        addParameters(&report)
        await addQueues(&report)
        await addBindings(&report)
        do throws(AdministrationError) {
            try await administration.settle()
        } catch {
            throw DefinitionsError("\(error.reason): it is not certain that what was imported is kept")
        }
        return report
    }

    private var controlPlane: ControlPlane { administration.controlPlane }

    // MARK: Before anything is changed

    private func check() throws(DefinitionsError) {
        var problems: [String] = []
        let hosts = Set(controlPlane.virtualHosts.map(\.name)).union(definitions.virtualHosts.map(\.name))
        for host in Set(namedHosts).subtracting(hosts).sorted() {
            problems.append(
                "virtual host '\(host)' does not exist and is not among the definitions: create it before the import")
        }
        let users = Set(controlPlane.users.map(\.name)).union(definitions.users.map(\.name))
        let named = definitions.permissions.map(\.user) + definitions.topicPermissions.map(\.user)
        for user in Set(named).subtracting(users).sorted() {
            problems.append("user '\(user)' does not exist and is not among the definitions")
        }
        checkQueueLimits(&problems)
        if !problems.isEmpty { throw DefinitionsError(problems) }
    }

    private var namedHosts: [ShortString] {
        definitions.permissions.map(\.virtualHost) + definitions.topicPermissions.map(\.virtualHost)
            + definitions.parameters.map(\.virtualHost) + definitions.policies.map(\.virtualHost)
            + definitions.queues.map(\.virtualHost) + definitions.exchanges.map(\.virtualHost)
            + definitions.bindings.map(\.virtualHost) + definitions.limits.keys
    }

    private func checkQueueLimits(_ problems: inout [String]) {
        var added: [ShortString: Set<ShortString>] = [:]
        for queue in definitions.queues { added[queue.virtualHost, default: []].insert(queue.name) }
        let limits = controlPlane.virtualHosts.reduce(into: [:]) { $0[$1.name] = $1.metadata.maxQueues }
        for (host, names) in added.sorted(by: { $0.key < $1.key }) {
            let given =
                definitions.virtualHosts.first { $0.name == host }?.limits.maxQueues
                ?? definitions.limits[host]?.maxQueues
            guard let limit = given ?? limits[host], limit >= 0 else { continue }
            let newCount = names.count { !controlPlane.hasQueue($0, inVirtualHost: host) }
            let count = controlPlane.queueCount(inVirtualHost: host) ?? 0
            guard newCount > 0, count + newCount > limit else { continue }
            problems.append(
                "adding \(newCount) queue(s) to virtual host '\(host)' would exceed the limit of \(limit) queue(s); "
                    + "it has \(count)")
        }
    }

    // MARK: Users

    private func addUsers(_ report: inout DefinitionsReport) {
        begin("users", definitions.users.count)
        var notes: [String] = []
        var count = 0
        for user in definitions.users {
            let isDone = attempt("user '\(user.name)'", &report) { () throws(AdministrationError) in
                let (record, note) = try user.record(hashing: controlPlane)
                if let note { notes.append(note) }
                try controlPlane.putUser(record)
            }
            if isDone { count += 1 }
        }
        report.notes += notes
        report.count("users", count, of: definitions.users.count)
    }

    private func addPermissions(_ report: inout DefinitionsReport) {
        begin("permissions", definitions.permissions.count)
        let set = definitions.permissions.count { item in
            attempt("permissions of user '\(item.user)' in vhost '\(item.virtualHost)'", &report) {
                () throws(AdministrationError) in
                try controlPlane.setPermissions(item.permissions, user: item.user, virtualHost: item.virtualHost)
            }
        }
        report.count("permissions", set, of: definitions.permissions.count)
        begin("topic permissions", definitions.topicPermissions.count)
        let topics = definitions.topicPermissions.count { item in
            attempt("topic permissions of user '\(item.user)' in vhost '\(item.virtualHost)'", &report) {
                () throws(AdministrationError) in
                try controlPlane.setTopicPermissions(
                    TopicPermissions(write: item.write, read: item.read), user: item.user,
                    virtualHost: item.virtualHost, exchange: item.exchange)
            }
        }
        report.count("topic_permissions", topics, of: definitions.topicPermissions.count)
    }

    // MARK: Virtual hosts, policies, parameters

    private func addVirtualHosts(_ report: inout DefinitionsReport) {
        begin("virtual hosts", definitions.virtualHosts.count)
        let count = definitions.virtualHosts.count { host in
            attempt("vhost '\(host.name)'", &report) { () throws(AdministrationError) in
                guard !controlPlane.hasVirtualHost(host.name) else {
                    return try controlPlane.changeVirtualHost(host.name) { $0 = host.metadata(over: $0) }
                }
                try controlPlane.addVirtualHost(host.name, host.metadata(over: VirtualHostMetadata()))
            }
        }
        report.count("vhosts", count, of: definitions.virtualHosts.count)
        for (name, limits) in definitions.limits {
            _ = attempt("limits of vhost '\(name)'", &report) { () throws(AdministrationError) in
                var host = VirtualHostDefinition(name: name)
                host.limits = limits
                let change = host
                try controlPlane.changeVirtualHost(name) { $0 = change.metadata(over: $0) }
            }
        }
    }

    private func addPolicies(_ report: inout DefinitionsReport) {
        begin("policies", definitions.policies.count)
        var (policies, operatorPolicies) = (0, 0)
        for item in definitions.policies {
            let isDone = attempt("policy '\(item.policy.name)' in vhost '\(item.virtualHost)'", &report) {
                () throws(AdministrationError) in
                try controlPlane.setPolicy(item.policy, isOperator: item.isOperator, virtualHost: item.virtualHost)
            }
            if isDone, item.isOperator { operatorPolicies += 1 } else if isDone { policies += 1 }
        }
        report.count("policies", policies, of: definitions.policies.count { !$0.isOperator })
        report.count("operator_policies", operatorPolicies, of: definitions.policies.count { $0.isOperator })
    }

    private func addParameters(_ report: inout DefinitionsReport) {
        begin("parameters", definitions.parameters.count)
        let count = definitions.parameters.count { item in
            attempt("\(item.component) '\(item.name)' in vhost '\(item.virtualHost)'", &report) {
                () throws(AdministrationError) in
                try controlPlane.setParameter(
                    component: item.component, name: item.name, value: item.value, virtualHost: item.virtualHost)
            }
        }
        report.count("parameters", count, of: definitions.parameters.count)
    }

    private func addGlobalParameters(_ report: inout DefinitionsReport) {
        begin("global parameters", definitions.globalParameters.count)
        let count = definitions.globalParameters.count { item in
            attempt("global parameter '\(item.name)'", &report) { () throws(AdministrationError) in
                try controlPlane.setGlobalParameter(item.name, to: item.value)
            }
        }
        report.count("global_parameters", count, of: definitions.globalParameters.count)
    }

    // MARK: Exchanges, queues, bindings

    private func addExchanges(_ report: inout DefinitionsReport) async {
        begin("exchanges", definitions.exchanges.count)
        let outcomes = await administration.add(definitions.exchanges)
        note(outcomes, "exchanges", &report) { index in
            let exchange = definitions.exchanges[index]
            return "exchange '\(exchange.name)' in vhost '\(exchange.virtualHost)'"
        }
    }

    private func addQueues(_ report: inout DefinitionsReport) async {
        begin("queues", definitions.queues.count)
        let outcomes = await administration.add(definitions.queues)
        note(outcomes, "queues", &report) { index in
            let queue = definitions.queues[index]
            return "queue '\(queue.name)' in vhost '\(queue.virtualHost)'"
        }
    }

    private func addBindings(_ report: inout DefinitionsReport) async {
        begin("bindings", definitions.bindings.count)
        let outcomes = await administration.add(definitions.bindings)
        note(outcomes, "bindings", &report) { index in
            let binding = definitions.bindings[index]
            return "binding from '\(binding.source)' to '\(binding.destination)' in vhost '\(binding.virtualHost)'"
        }
    }

    private func note(
        _ outcomes: [Result<ImportOutcome, ProtocolError>], _ category: String, _ report: inout DefinitionsReport,
        _ describe: (Int) -> String
    ) {
        var count = 0
        for (index, outcome) in outcomes.enumerated() {
            switch outcome {
            case .success(.created), .success(.existed): count += 1
            case .success(.differs):
                report.notes.append("\(describe(index)) was there with other properties, and keeps them")
            case .failure(let error): report.notes.append("\(describe(index)) is left out: \(error.explanation)")
            }
        }
        report.count(category, count, of: outcomes.count)
    }

    // MARK: Steps

    private func begin(_ category: String, _ count: Int) {
        if count > 0 { progress(category, count) }
    }

    /// What was possible when it was looked at may have become impossible since: then it is told.
    ///
    /// - Returns: whether it was possible.
    private func attempt(
        _ name: String, _ report: inout DefinitionsReport, _ body: () throws(AdministrationError) -> Void
    ) -> Bool {
        do throws(AdministrationError) {
            try body()
            return true
        } catch {
            report.notes.append("\(name) is left out: \(error.reason)")
            return false
        }
    }
}

extension VirtualHostDefinition {
    /// - Parameter metadata: what it has now.
    package func metadata(over metadata: VirtualHostMetadata) -> VirtualHostMetadata {
        var metadata = metadata
        if let description { metadata.description = description }
        if let tags { metadata.tags = tags }
        if let defaultQueueType { metadata.defaultQueueType = defaultQueueType }
        if let isTracing { metadata.isTracing = isTracing }
        if let isProtected { metadata.isProtected = isProtected }
        if let limit = limits.maxConnections { metadata.maxConnections = limit }
        if let limit = limits.maxQueues { metadata.maxQueues = limit }
        return metadata
    }
}

extension UserDefinition {
    /// The user as the broker keeps it, and what is to be said of it.
    package func record(
        hashing controlPlane: ControlPlane
    ) throws(AdministrationError) -> (record: UserRecord, note: String?) {
        var record = UserRecord(name: name)
        record.tags = tags
        record.limits = UserLimits(maxConnections: maxConnections, maxChannels: maxChannels)
        switch secret {
        case .password(let password):
            guard let hash = controlPlane.hash(password: Array(password.utf8)) else {
                throw .invalid("the password cannot be hashed")
            }
            record.passwordHash = hash
        case .hash(let bytes, let algorithm):
            guard let hashing = PasswordHashing(rawValue: algorithm) else {
                if bytes.isEmpty { return (record, nil) }
                return (
                    record, "user '\(name)' cannot log in until it gets a password: '\(algorithm)' is not known here"
                )
            }
            record.passwordHash = bytes
            record.hashing = hashing
        }
        return (record, nil)
    }
}
