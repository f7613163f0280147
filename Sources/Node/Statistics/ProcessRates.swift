/// How fast what the process uses changes, a second: RabbitMQ's `*_details` of `/api/nodes`.
package struct ProcessRates: Sendable, Equatable {
    package var memoryUsed = 0.0
    package var diskFree = 0.0
    package var descriptors = 0.0
    package var sockets = 0.0
    package var threads = 0.0
    package var reads = 0.0
    package var readBytes = 0.0
    package var writes = 0.0
    package var writtenBytes = 0.0
    package var syncs = 0.0

    package init() {}

    init(from first: ProcessSnapshot, to last: ProcessSnapshot) {
        guard last.uptimeMilliseconds > first.uptimeMilliseconds else { return }
        let seconds = Double(last.uptimeMilliseconds - first.uptimeMilliseconds) / 1000
        func rate(_ field: (ProcessSnapshot) -> Int) -> Double { Double(field(last) - field(first)) / seconds }
        memoryUsed = rate(\.memoryUsedByteCount)
        diskFree = rate { $0.diskFreeByteCount ?? 0 }
        descriptors = rate(\.descriptorCount)
        sockets = rate(\.socketCount)
        threads = rate(\.threadCount)
        reads = rate { Int(clamping: $0.journal.readCount) }
        readBytes = rate { Int(clamping: $0.journal.readByteCount) }
        writes = rate { Int(clamping: $0.journal.writeCount) }
        writtenBytes = rate { Int(clamping: $0.journal.writtenByteCount) }
        syncs = rate { Int(clamping: $0.journal.syncCount) }
    }
}
