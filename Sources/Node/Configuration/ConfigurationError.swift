/// A mistake in a configuration file or on the command line, told in one line.
///
/// The line names the place (file and line, or option), the key, what was found and an example that would be right.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// One line without control characters, whatever the file held.
    package let message: String

    package var description: String { message }

    package init(_ message: String) {
        self.message = singleLine(message, maxBytes: 1024)
    }
}
