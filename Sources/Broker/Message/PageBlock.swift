/// Memory into which messages were read back, several at once, and in which they stay until the last of them goes: they
/// are not copied again.
struct PageBlock {
    let memory: UnsafeMutableRawPointer
    let byteCount: Int
    /// Messages in it that live.
    var liveCount = 0

    static func make(_ memory: UnsafeMutableRawPointer, _ byteCount: Int) -> UnsafeMutablePointer<PageBlock> {
        let block = UnsafeMutablePointer<PageBlock>.allocate(capacity: 1)
        block.initialize(to: PageBlock(memory: memory, byteCount: byteCount))
        return block
    }

    static func free(_ block: UnsafeMutablePointer<PageBlock>) {
        block.pointee.memory.deallocate()
        block.deallocate()
    }
}
