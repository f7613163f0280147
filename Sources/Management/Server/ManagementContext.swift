import Logging
import Node

/// What the resources work with.
package struct ManagementContext: Sendable {
    package let node: Node
    package let administration: Administration
    package let configuration: Configuration
    package let logger: Logger

    package init(node: Node, configuration: Configuration, logger: Logger) {
        self.node = node
        administration = node.administration
        self.configuration = configuration
        self.logger = logger
    }
}
