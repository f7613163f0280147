/// What the node is short of. While it is short of anything, connections that publish are blocked.
package struct ResourceAlarms: OptionSet, Sendable {
    package static let memory = ResourceAlarms(rawValue: 1 << 0)
    package static let disk = ResourceAlarms(rawValue: 1 << 1)

    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }
}
