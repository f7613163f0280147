// Exchange and routing key as basic.publish has them: two short strings with their length bytes.
extension UnsafeRawBufferPointer {
    /// Of these two, the exchange's name.
    var addressedExchange: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[1..<1 + Int(self[0])])
    }

    /// Of these two, the routing key.
    var addressedKey: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[(2 + Int(self[0]))...])
    }
}
