#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Why the journal could not do what it was asked for.
package enum JournalError: Error, Equatable, CustomStringConvertible {
    /// The system refused an operation on a file.
    case disk(operation: String, path: String, errorNumber: Int32)
    /// The directory is not one this journal may use. The sentence says why, and what to do.
    case refused(String)
    /// A write or a sync failed before: what is on the disk is not known any more, and nothing may be added to it.
    case failedBefore
    /// A lane's bytes are not whole records: a fault of the program, found before it reached the disk.
    case malformedLane

    /// The disk or the quota is full: it may work later.
    package var isNoSpace: Bool {
        if case .disk(_, _, let number) = self { return number == ENOSPC || number == EDQUOT }
        return false
    }

    package var description: String {
        switch self {
        case .disk(let operation, let path, let number): "\(operation) \(path): \(String(cString: strerror(number)))"
        case .refused(let sentence): sentence
        case .failedBefore: "the journal failed before and takes nothing more"
        case .malformedLane: "a lane handed to the journal does not consist of whole records"
        }
    }
}
