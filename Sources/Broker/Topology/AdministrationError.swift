/// Why something that an administrator wanted cannot be done. It is no answer to a client: the management interfaces
/// make theirs of it.
package enum AdministrationError: Error, Equatable, Sendable {
    case notFound(String)
    case invalid(String)
    /// The node cannot keep what was changed: its journal has failed, or it is being stopped.
    case unavailable(String)
}
