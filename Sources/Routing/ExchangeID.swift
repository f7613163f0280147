/// The number of an exchange within its virtual host. The caller allocates it: small and dense, because tables are
/// arrays over it, and free for another exchange once the first is removed.
@usableFromInline
package struct ExchangeID: Hashable, Sendable, BitwiseCopyable {
    /// Numbers from here on are refused: they would make the arrays huge.
    package static let limit: UInt32 = 1 << 24

    /// The default exchange, named "".
    package static let `default` = ExchangeID(value: 0)

    @usableFromInline package let value: UInt32

    @inlinable
    package init(value: UInt32) {
        self.value = value
    }
}
