// As series of samples. A queue has fewer than a channel, since there may be many queues.
extension MessageCounters {
    static let queueSeriesCount = 10
    static let channelSeriesCount = 11

    func writeQueueSeries(to values: UnsafeMutableBufferPointer<UInt64>) {
        writeCommonSeries(to: values)
        values[8] = diskReads
        values[9] = diskWrites
    }

    private func writeCommonSeries(to values: UnsafeMutableBufferPointer<UInt64>) {
        values[0] = publish
        values[1] = deliver
        values[2] = deliverNoAck
        values[3] = get
        values[4] = getNoAck
        values[5] = getEmpty
        values[6] = redeliver
        values[7] = ack
    }

    func writeChannelSeries(to values: UnsafeMutableBufferPointer<UInt64>) {
        writeCommonSeries(to: values)
        values[8] = confirm
        values[9] = returnUnroutable
        values[10] = dropUnroutable
    }

    /// - Parameter value: of each series.
    init(queueSeries value: (Int) -> UInt64) {
        self.init(commonSeries: value)
        diskReads = value(8)
        diskWrites = value(9)
    }

    private init(commonSeries value: (Int) -> UInt64) {
        self.init()
        publish = value(0)
        deliver = value(1)
        deliverNoAck = value(2)
        get = value(3)
        getNoAck = value(4)
        getEmpty = value(5)
        redeliver = value(6)
        ack = value(7)
    }

    init(channelSeries value: (Int) -> UInt64) {
        self.init(commonSeries: value)
        confirm = value(8)
        returnUnroutable = value(9)
        dropUnroutable = value(10)
    }
}
