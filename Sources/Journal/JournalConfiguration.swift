package struct JournalConfiguration: Sendable {
    package var directory: String
    /// Size of a segment file. What is larger than a segment gets one of its own size.
    package var segmentByteCount = 32 << 20
    /// A checkpoint is wanted when the log since the last one, or what only a checkpoint can give back, exceeds this.
    package var checkpointByteCount = 256 << 20
    /// Prepared segments that are kept ready. One is the reserve for when the disk is full.
    package var readySegmentCount = 2
    /// Segments that are given back are deleted when so many are ready.
    package var pooledSegmentLimit = 4
    /// Messages moved forward in one batch take no more than about this.
    package var movedByteCountPerBatch = 1 << 20
    /// Where the index of live messages is.
    package var indexMemory = IndexMemory()
    /// Random numbers, a new one for each use of a segment: no client can guess what a record header looks like.
    package var makeSeed: @Sendable () -> UInt64

    package init(directory: String, makeSeed: @escaping @Sendable () -> UInt64) {
        self.directory = directory
        self.makeSeed = makeSeed
    }
}
