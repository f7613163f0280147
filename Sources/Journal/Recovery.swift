/// What was found in a journal, for the log and the operator.
package struct RecoveryReport: Sendable {
    /// Something that cannot be read any more, although it had been on stable storage.
    package struct Quarantined: Sendable, Equatable {
        package let position: UInt64
        package let byteCount: UInt64
        package let path: String
        package let offset: Int
        package let reason: String
    }

    package internal(set) var recordCount = 0
    package internal(set) var scannedByteCount = 0
    package internal(set) var segmentCount = 0
    package internal(set) var liveMessageCount = 0
    package internal(set) var liveByteCount = 0
    /// Whole records behind the place where the log was torn, which are not taken.
    package internal(set) var tornByteCount = 0
    /// The first thousand.
    package internal(set) var quarantined: [Quarantined] = []
    package internal(set) var quarantinedCount = 0
    /// A sentence for each file that is missing or damaged.
    package internal(set) var damagedFiles: [String] = []

    package var isClean: Bool { quarantinedCount == 0 && damagedFiles.isEmpty }

    static let quarantinedLimit = 1000

    mutating func quarantine(_ found: Quarantined) {
        quarantinedCount += 1
        if quarantined.count < Self.quarantinedLimit { quarantined.append(found) }
    }

    mutating func damage(_ sentence: String) {
        if damagedFiles.count < Self.quarantinedLimit { damagedFiles.append(sentence) }
    }
}

/// What a journal remembers when it is opened.
package struct Recovery: Sendable {
    /// The state as of the last checkpoint; nil if there was none.
    package internal(set) var stateSnapshot: [UInt8]?
    /// The steps since, in order.
    package internal(set) var stateChanges: [[UInt8]] = []
    /// Every lane's messages have sequences from here on.
    package internal(set) var nextSequence: UInt64 = 1
    package internal(set) var report = RecoveryReport()
}

package struct RecoveryProgress: Sendable {
    package let byteCount: Int
    package let totalByteCount: Int
}

/// A live message, as a recovery finds it.
package struct LiveMessage {
    package let id: UInt64
    package let contentByteCount: Int
    /// Who has not settled it, and whether it may have delivered it. Valid until the closure returns.
    package let holders: UnsafeBufferPointer<LiveHolder>
}

package struct LiveHolder {
    package let holder: UInt32
    package let mayHaveBeenDelivered: Bool
    /// Failed deliveries, where the holder counts them.
    package let deliveryCount: Int
}
