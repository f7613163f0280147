// Samples of connections: the bytes that their sockets have given and taken.
extension ShardState {
    func sample(_ connection: UnsafeMutablePointer<ConnectionState>) {
        withSeries(of: connection) { values in
            if let history = connection.pointee.traffic.history {
                _ = history.note(values, number: sampleTimes.latestNumber)
            } else {
                connection.pointee.traffic.history = SampleHistory(first: values, number: sampleTimes.latestNumber)
            }
        }
    }

    private func withSeries(
        of connection: UnsafeMutablePointer<ConnectionState>, _ body: (UnsafeBufferPointer<UInt64>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2) { values in
            values[0] = connection.pointee.traffic.receivedByteCount
            values[1] = connection.pointee.traffic.sentByteCount
            body(UnsafeBufferPointer(values))
        }
    }

    func addSamples(of connection: UnsafeMutablePointer<ConnectionState>, to snapshot: inout ConnectionSnapshot) {
        guard let history = connection.pointee.traffic.history, let seconds = sampleTimes.intervalSeconds else {
            return
        }
        snapshot.receivedByteRate = Double(history.latestDifference(0)) / seconds
        snapshot.sentByteRate = Double(history.latestDifference(1)) / seconds
    }

    /// What a connection's socket had given and taken at the latest samples; nil when it is gone.
    package func samples(ofConnection address: ConnectionAddress) -> SampleSeries? {
        guard let connection = connection(address) else { return nil }
        var series = SampleSeries()
        guard let history = connection.pointee.traffic.history else { return series }
        series.received = history.values(0, count: sampleTimes.milliseconds.count)
        series.sent = history.values(1, count: sampleTimes.milliseconds.count)
        series.milliseconds = Array(sampleTimes.milliseconds.prefix(series.received.count))
        return series
    }
}
