import AMQPWire
import Routing

/// A value that RabbitMQ's plugins would be configured by: kept for who asks. Those that the broker itself goes by are
/// `vhost-limits` here, and `cluster_name` among the global ones; policies have a place of their own.
package struct RuntimeParameter: Hashable, Sendable {
    package let virtualHost: ShortString
    package let component: ShortString
    package let name: ShortString
    package let value: FieldValue
}

/// A parameter that belongs to no virtual host.
package struct GlobalParameter: Hashable, Sendable {
    package let name: ShortString
    package let value: FieldValue
}

/// What names a parameter within its virtual host.
package struct ParameterName: Hashable, Sendable, Comparable {
    package let component: ShortString
    package let name: ShortString

    package init(component: ShortString, name: ShortString) {
        self.component = component
        self.name = name
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.component, left.name) < (right.component, right.name)
    }

    /// Virtual hosts' limits, which RabbitMQ keeps as a parameter.
    static let virtualHostLimits = ParameterName(component: "vhost-limits", name: "limits")
}

/// What may be limited for a virtual host, by RabbitMQ's names.
package enum VirtualHostLimit: String, Sendable, CaseIterable {
    case maxConnections = "max-connections"
    case maxQueues = "max-queues"
}

extension VirtualHostMetadata {
    /// A negative limit limits nothing; zero refuses everything.
    package subscript(limit: VirtualHostLimit) -> Int? {
        get {
            switch limit {
            case .maxConnections: maxConnections
            case .maxQueues: maxQueues
            }
        }
        set {
            switch limit {
            case .maxConnections: maxConnections = newValue
            case .maxQueues: maxQueues = newValue
            }
        }
    }

    /// By name, what was set only.
    package var limits: FieldTable {
        FieldTable(
            VirtualHostLimit.allCases.compactMap { limit in
                self[limit].map { .init(name: ShortString(truncating: limit.rawValue), value: .int64(Int64($0))) }
            })
    }

    /// Takes them from a parameter's value; what it does not name is not limited.
    mutating func setLimits(_ value: FieldValue) throws(AdministrationError) {
        guard case .table(let table) = value else { throw .invalid("limits must be a JSON object") }
        for entry in table.entries {
            guard VirtualHostLimit(rawValue: entry.name.description) != nil else {
                throw .invalid("Unrecognised terms [{<<\"\(entry.name)\">>,\(entry.value.erlangTerm)}] in limits")
            }
            guard entry.value.integer != nil else {
                throw .invalid("\(entry.name) should be a number, actually was \(entry.value.erlangTerm)")
            }
        }
        for limit in VirtualHostLimit.allCases {
            self[limit] = table[ShortString(truncating: limit.rawValue)]?.integer.map { Int($0) }
        }
    }
}
