import AMQPWire
import Broker

/// What RabbitMQ and LavinMQ export as definitions: everything that administrators and durable clients have made.
package struct Definitions: Sendable, Equatable {
    package var users: [UserDefinition] = []
    package var virtualHosts: [VirtualHostDefinition] = []
    package var permissions: [PermissionDefinition] = []
    package var topicPermissions: [TopicPermissionDefinition] = []
    /// Without those that are something else here: operator policies and limits.
    package var parameters: [ParameterDefinition] = []
    package var globalParameters: [GlobalParameterDefinition] = []
    package var policies: [DefinedPolicy] = []
    /// Limits of virtual hosts that are not among these definitions.
    package var limits: [ShortString: VirtualHostLimitsDefinition] = [:]
    package var queues: [QueueDefinition] = []
    package var exchanges: [ExchangeDefinition] = []
    package var bindings: [BindingDefinition] = []
    /// What was in the file and is left out, or has no effect here.
    package var notes: [String] = []

    package init() {}
}

package struct UserDefinition: Sendable, Equatable {
    package enum Secret: Sendable, Equatable {
        case password(String)
        /// The bytes of `password_hash`, empty for a user who cannot log in with a password, and the algorithm's name.
        case hash([UInt8], algorithm: String)
    }

    package var name: ShortString
    package var secret: Secret
    package var tags: [String] = []
    package var maxConnections: Int?
    package var maxChannels: Int?
}

package struct VirtualHostDefinition: Sendable, Equatable {
    package var name: ShortString
    /// What the definitions do not say of it stays as it is.
    package var description: String?
    package var tags: [String]?
    package var defaultQueueType: QueueType?
    package var isTracing: Bool?
    package var isProtected: Bool?
    package var limits = VirtualHostLimitsDefinition()
}

/// Negative numbers take a limit away.
package struct VirtualHostLimitsDefinition: Sendable, Equatable {
    package var maxConnections: Int?
    package var maxQueues: Int?

    package init() {}
}

package struct PermissionDefinition: Sendable, Equatable {
    package var user: ShortString
    package var virtualHost: ShortString
    package var permissions: Permissions
}

package struct TopicPermissionDefinition: Sendable, Equatable {
    package var user: ShortString
    package var virtualHost: ShortString
    package var exchange: ShortString
    package var write: String
    package var read: String
}

package struct ParameterDefinition: Sendable, Equatable {
    package var virtualHost: ShortString
    package var component: ShortString
    package var name: ShortString
    package var value: FieldValue
}

package struct GlobalParameterDefinition: Sendable, Equatable {
    package var name: ShortString
    package var value: FieldValue
}

package struct DefinedPolicy: Sendable, Equatable {
    package var virtualHost: ShortString
    package var isOperator: Bool
    package var policy: Policy
}
