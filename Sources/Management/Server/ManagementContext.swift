import Logging
import Node

/// What the resources work with.
package struct ManagementContext: Sendable {
    package let node: Node
    package let administration: Administration
    package let configuration: Configuration
    package let logger: Logger
    /// For answers that may be long.
    let longAnswers = AnswerSlots()
    let pace: AnswerPace
    /// Where the HTTP API listens: `127.0.0.1:15672`.
    package var listeningAddress: String? { httpAddress() }
    /// What answers call this node.
    package var nodeName: String { configuration.nodeName }
    /// Whether it is counted for pairs of objects too.
    package var countsPairs: Bool { configuration.ratesMode == "detailed" }
    /// Whether what was done with messages is told.
    package var tellsRates: Bool { configuration.ratesMode != "none" }
    private let httpAddress: @Sendable () -> String?

    package init(
        node: Node, configuration: Configuration, logger: Logger,
        httpAddress: @escaping @Sendable () -> String? = { nil }
    ) {
        self.node = node
        self.httpAddress = httpAddress
        administration = node.administration
        pace = AnswerPace(node.administration)
        self.configuration = configuration
        self.logger = logger
    }
}
