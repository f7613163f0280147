import Console
import Glibc

/// Why a run did not come to its end: one line, and the exit code that goes with it.
struct PerfError: Error, Equatable {
    /// Why it ended, as the exit code says it.
    enum Kind: Int32 {
        /// The arguments are wrong, or this machine cannot do what they ask for.
        case usage = 1
        /// The broker could not be reached, refused, or closed the connection.
        case broker = 2
        /// The time given was over.
        case timeout = 3
        /// `--verify` found that messages were lost, doubled, reordered or damaged.
        case unclean = 4
        /// The user ended it (Ctrl-C).
        case interrupted = 130
    }

    let kind: Kind
    let message: String
    /// AMQP's reply code, where the broker gave one.
    var replyCode: UInt16?

    init(_ kind: Kind, _ message: String, replyCode: UInt16? = nil) {
        self.kind = kind
        self.message = printable(message)
        self.replyCode = replyCode
    }

    /// A wrong value of an option: the message names it and ends with an example that works.
    static func usage(_ problem: String, example: String) -> PerfError {
        PerfError(.usage, "\(problem). For example: leveretperf \(example)")
    }

    /// A call of the system that failed.
    static func system(_ action: String, _ code: Int32) -> PerfError {
        PerfError(.usage, "cannot \(action): \(SystemError.text(code))")
    }
}

/// An error number of the system in words.
enum SystemError {
    static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
