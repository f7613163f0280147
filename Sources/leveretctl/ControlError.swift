import Console

/// Why a command could not do what it was asked for: one line that also says what to do.
struct ControlError: Error, Equatable {
    let message: String

    init(_ message: String) { self.message = printable(message) }
}
