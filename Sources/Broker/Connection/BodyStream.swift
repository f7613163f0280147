/// A large body frame of which the rest has not been read yet: what there is of it goes straight to its message, so
/// that a body is copied once.
struct BodyStream {
    /// False: nothing is under way, and the rest means nothing.
    private(set) var isActive = false
    private(set) var channelNumber: UInt16 = 0
    private(set) var channelSerial: UInt32 = 0
    /// Of the payload.
    private(set) var missingByteCount = 0
    /// For the error that quotes them.
    private var firstBytes: (UInt64, UInt64) = (0, 0)

    /// What it takes to begin: less would not be worth it.
    static let firstByteCount = 16

    /// - Precondition: `payload` has `firstByteCount` bytes or more.
    mutating func begin(
        channelNumber: UInt16, channelSerial: UInt32, payload: UnsafeRawBufferPointer, payloadByteCount: Int
    ) {
        isActive = true
        self.channelNumber = channelNumber
        self.channelSerial = channelSerial
        missingByteCount = payloadByteCount - payload.count
        firstBytes = (payload.loadUnaligned(as: UInt64.self), payload.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    mutating func take(_ byteCount: Int) { missingByteCount -= byteCount }

    mutating func end() { isActive = false }

    func withFirstBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: firstBytes, body)
    }
}
