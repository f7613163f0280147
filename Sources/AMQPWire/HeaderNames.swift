/// The headers that mean something to the broker, and not only to its clients: which of them a message has.
package struct HeaderNames: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `CC`: further routing keys.
    package static let carbonCopy = HeaderNames(rawValue: 1)
    /// `BCC`: the same, not shown to who gets the message.
    package static let blindCarbonCopy = HeaderNames(rawValue: 2)
    /// `x-delay`
    package static let delay = HeaderNames(rawValue: 4)
    /// `x-death`
    package static let death = HeaderNames(rawValue: 8)
    /// `x-deduplication-header`
    package static let deduplication = HeaderNames(rawValue: 16)
    /// `x-recent-history-no-store`
    package static let noHistory = HeaderNames(rawValue: 32)
    /// `x-cache-ttl`: how long a deduplication exchange remembers the message.
    package static let cacheTTL = HeaderNames(rawValue: 64)

    /// `CC` and `BCC`.
    static var copies: UInt8 { 3 }

    /// Most headers are told from these by the length of their names.
    @inline(__always)
    mutating func insert(name: UnsafeRawBufferPointer) {
        switch name.count {
        case 2: insert(.carbonCopy, if: name, is: "CC")
        case 3: insert(.blindCarbonCopy, if: name, is: "BCC")
        case 7:
            insert(.delay, if: name, is: "x-delay")
            insert(.death, if: name, is: "x-death")
        case 11: insert(.cacheTTL, if: name, is: "x-cache-ttl")
        case 22: insert(.deduplication, if: name, is: "x-deduplication-header")
        case 25: insert(.noHistory, if: name, is: "x-recent-history-no-store")
        default: break
        }
    }

    @inline(never)
    private mutating func insert(_ member: HeaderNames, if name: UnsafeRawBufferPointer, is text: StaticString) {
        if text.withUTF8Buffer({ $0.elementsEqual(name) }) { insert(member) }
    }
}
