import AMQPWire
import Broker
import JSON

extension AccessStep {
    /// The step's name and its fields. A password's hash is nobody's business.
    func describe(to line: inout JSONObject) {
        switch self {
        case .userSet(let user):
            line.add("step", "userSet")
            line.add("user", bytes: user.name.bytes)
            line.add("password", !user.passwordHash.isEmpty)
            line.add("hashing", user.hashing.rawValue)
            line.append("tags", .array(user.tags.map { .string($0) }))
            line.add("limits", user.limits.table.json)
        case .userRemoved(let name):
            line.add("step", "userRemoved")
            line.add("user", bytes: name.bytes)
        case .topicPermissionsSet(let host, let user, let exchange, let permissions):
            line.add("step", "topicPermissionsSet")
            line.add("virtualHost", bytes: host.bytes)
            line.add("user", bytes: user.bytes)
            line.add("exchange", bytes: exchange.bytes)
            line.add("permissions", permissions.table.json)
        case .topicPermissionsCleared(let host, let user, let exchange):
            line.add("step", "topicPermissionsCleared")
            line.add("virtualHost", bytes: host.bytes)
            line.add("user", bytes: user.bytes)
            line.add("exchange", bytes: exchange.bytes)
        case .parameterSet(let host, let name, let value):
            line.add("step", "parameterSet")
            line.add("virtualHost", bytes: host.bytes)
            line.add("component", bytes: name.component.bytes)
            line.add("name", bytes: name.name.bytes)
            line.append("value", value.json)
        case .parameterCleared(let host, let name):
            line.add("step", "parameterCleared")
            line.add("virtualHost", bytes: host.bytes)
            line.add("component", bytes: name.component.bytes)
            line.add("name", bytes: name.name.bytes)
        case .globalParameterSet(let name, let value):
            line.add("step", "globalParameterSet")
            line.add("name", bytes: name.bytes)
            line.append("value", value.json)
        case .globalParameterCleared(let name):
            line.add("step", "globalParameterCleared")
            line.add("name", bytes: name.bytes)
        }
    }
}

extension DurableTopology {
    /// Users, topic permissions and parameters, in an order that depends on nothing else.
    var accessSteps: [TopologyStep] {
        var steps: [AccessStep] = []
        for user in users.values.sorted(by: { $0.name < $1.name }) { steps.append(.userSet(user)) }
        for (user, hosts) in topicPermissions.sorted(by: { $0.key < $1.key }) {
            for (host, exchanges) in hosts.sorted(by: { $0.key < $1.key }) {
                for (exchange, permissions) in exchanges.sorted(by: { $0.key < $1.key }) {
                    steps.append(
                        .topicPermissionsSet(virtualHost: host, user: user, exchange: exchange, permissions))
                }
            }
        }
        for (host, values) in parameters.sorted(by: { $0.key < $1.key }) {
            for (name, value) in values.sorted(by: { $0.key < $1.key }) {
                steps.append(.parameterSet(virtualHost: host, name, value))
            }
        }
        for (name, value) in globalParameters.sorted(by: { $0.key < $1.key }) {
            steps.append(.globalParameterSet(name: name, value))
        }
        return steps.map { .access($0) }
    }
}
