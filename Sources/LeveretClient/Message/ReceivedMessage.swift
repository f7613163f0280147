/// A message as the broker sent it, for `basic.deliver` and `basic.get-ok`.
struct ReceivedMessage: Hashable, Sendable {
    var deliveryTag: UInt64 = 0
    var isRedelivered = false
    var exchange = ""
    var routingKey = ""
    /// Of `basic.get-ok` only.
    var remainingMessageCount: UInt32?
    /// Property flags and values, checked; empty when there are none.
    var propertyBytes: [UInt8] = []
    var body: [UInt8] = []

    /// What it weighs while it waits to be taken: content and an allowance for the rest.
    var byteCount: Int { body.count + propertyBytes.count + 256 }
}
