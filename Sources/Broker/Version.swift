/// Leveret's version, the one place that names it.
package enum Version {
    /// Plain semantic versioning, because clients parse it from the server properties.
    package static let current = "0.1.0"
}
