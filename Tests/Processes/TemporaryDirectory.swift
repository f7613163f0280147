import Foundation
import Synchronization

/// A new directory, removed with the value.
package final class TemporaryDirectory: Sendable {
    package let path: String
    private let isKept = Atomic<Bool>(false)

    package init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "leveret-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { if !isKept.load(ordering: .relaxed) { try? FileManager.default.removeItem(atPath: path) } }

    /// A fault was found: its traces stay.
    package func keep() { isKept.store(true, ordering: .relaxed) }

    /// Writes a file and returns its path.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
        return "\(path)/\(name)"
    }
}
