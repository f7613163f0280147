/// Why a node did not start: one line for the operator.
package struct NodeError: Error, CustomStringConvertible, Sendable {
    package let description: String

    package init(_ description: String) { self.description = description }
}
