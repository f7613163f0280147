extension Journal {
    /// Bytes of memory that the index takes, about.
    package var memoryByteCount: Int { index.liveCount * 16 }
}
