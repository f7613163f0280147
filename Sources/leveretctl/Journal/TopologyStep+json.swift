import AMQPWire
import Broker
import JSON

extension TopologyStep {
    /// The step's name and its fields.
    func describe(to line: inout JSONObject) {
        switch self {
        case .virtualHostAdded(let host): Self.begin("virtualHostAdded", host, &line)
        case .exchangeDeclared(let host, let exchange):
            Self.begin("exchangeDeclared", host, &line)
            line.add("exchange", bytes: exchange.name.bytes)
            line.add("type", bytes: exchange.type.bytes)
            line.add("autoDelete", exchange.isAutoDelete)
            line.add("internal", exchange.isInternal)
            line.add("arguments", exchange.arguments.json)
        case .exchangeDeleted(let host, let name):
            Self.begin("exchangeDeleted", host, &line)
            line.add("exchange", bytes: name.bytes)
        case .queueDeclared(let host, let queue):
            Self.begin("queueDeclared", host, &line)
            line.add("queue", bytes: queue.name.bytes)
            line.add("holder", queue.journalNumber)
            line.add("autoDelete", queue.isAutoDelete)
            if queue.isPaused { line.add("paused", true) }
            line.add("arguments", queue.arguments.json)
        case .queueDeleted(let host, let name):
            Self.begin("queueDeleted", host, &line)
            line.add("queue", bytes: name.bytes)
        case .queuePaused(let host, let name, let isPaused):
            Self.begin("queuePaused", host, &line)
            line.add("queue", bytes: name.bytes)
            line.add("paused", isPaused)
        case .bound(let host, let binding):
            Self.begin("bound", host, &line)
            binding.describe(to: &line)
        case .unbound(let host, let binding):
            Self.begin("unbound", host, &line)
            binding.describe(to: &line)
        case .policySet(let host, let isOperator, let policy):
            Self.begin("policySet", host, &line)
            line.add("operator", isOperator)
            line.add("policy", bytes: policy.name.bytes)
            line.add("settings", policy.table.json)
        case .policyCleared(let host, let isOperator, let name):
            Self.begin("policyCleared", host, &line)
            line.add("operator", isOperator)
            line.add("policy", bytes: name.bytes)
        case .virtualHostChanged(let host, let metadata):
            Self.begin("virtualHostChanged", host, &line)
            line.add("settings", metadata.table.json)
        case .virtualHostRemoved(let host): Self.begin("virtualHostRemoved", host, &line)
        case .permissionsSet(let host, let user, let permissions):
            Self.begin("permissionsSet", host, &line)
            line.add("user", bytes: user.bytes)
            line.add("permissions", permissions.table.json)
        case .permissionsCleared(let host, let user):
            Self.begin("permissionsCleared", host, &line)
            line.add("user", bytes: user.bytes)
        case .access(let step): step.describe(to: &line)
        }
    }

    private static func begin(_ step: String, _ host: ShortString, _ line: inout JSONObject) {
        line.add("step", step)
        line.add("virtualHost", bytes: host.bytes)
    }
}

extension DurableBinding {
    fileprivate func describe(to line: inout JSONObject) {
        line.add("source", bytes: source.bytes)
        line.add("destination", bytes: destination.bytes)
        line.add("destinationType", isToQueue ? "queue" : "exchange")
        line.add("routingKey", bytes: routingKey.bytes)
        line.add("arguments", arguments.json)
    }
}

extension DurableTopology {
    /// The steps that make this state, in an order that depends on nothing else.
    var steps: [TopologyStep] {
        var steps: [TopologyStep] = []
        for host in removedVirtualHosts.sorted() where virtualHosts[host] == nil {
            steps.append(.virtualHostRemoved(host))
        }
        for (host, content) in virtualHosts.sorted(by: { $0.key < $1.key }) {
            steps.append(.virtualHostAdded(host))
            if content.metadata != VirtualHostMetadata() {
                steps.append(.virtualHostChanged(host, content.metadata))
            }
            for (isOperator, policies) in [(false, content.policies), (true, content.operatorPolicies)] {
                for policy in policies.values.sorted(by: { $0.name < $1.name }) {
                    steps.append(.policySet(virtualHost: host, isOperator: isOperator, policy))
                }
            }
            for exchange in content.exchanges.values.sorted(by: { $0.name < $1.name }) {
                steps.append(.exchangeDeclared(virtualHost: host, exchange))
            }
            for queue in content.queues.values.sorted(by: { $0.journalNumber < $1.journalNumber }) {
                steps.append(.queueDeclared(virtualHost: host, queue))
            }
            let bindings = content.bindings.sorted {
                ($0.source, $0.destination, $0.routingKey) < ($1.source, $1.destination, $1.routingKey)
            }
            for binding in bindings { steps.append(.bound(virtualHost: host, binding)) }
        }
        steps += accessSteps
        for (user, hosts) in permissions.sorted(by: { $0.key < $1.key }) {
            for (host, permissions) in hosts.sorted(by: { $0.key < $1.key }) {
                steps.append(.permissionsSet(virtualHost: host, user: user, permissions))
            }
        }
        return steps
    }
}
