/// Why something that an administrator wanted cannot be done. It is no answer to a client: the management interfaces
/// make theirs of it.
package enum AdministrationError: Error, Equatable, Sendable {
    case notFound(String)
    case invalid(String)
}
