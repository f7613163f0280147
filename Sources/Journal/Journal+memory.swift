extension Journal {
    /// Bytes of memory that the index takes and that cannot leave memory, about.
    package var memoryByteCount: Int {
        min(index.dense.memory.plainByteCount, index.dense.count * IndexMemory.blockByteCount)
    }
}
