#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The memory of the messages that one shard published: a slab allocator. One owner, no locks, pointers stay valid.
///
/// Small blocks come in size classes from pages of 64 KiB, larger ones from malloc. Freed blocks are used again by
/// their class, an empty page by any class: one old message pins its own page and nothing else. Pages above a reserve
/// give their memory back to the system.
struct MessageStore {
    private static let pageByteCount = 65536
    private static let arenaByteCount = 1 << 20
    private static let largestSlabByteCount = 8192
    /// Empty pages that keep their memory: 4 MiB.
    private static let reservedPageCount = 64

    /// At the start of every page.
    private struct Page {
        var next: UnsafeMutablePointer<Page>?
        var previous: UnsafeMutablePointer<Page>?
        /// Freed blocks, linked through their first word.
        var free: UnsafeMutableRawPointer?
        /// Offset of the first block that was never used.
        var untouched: UInt32
        var live: UInt32
        var sizeClass: UInt32
        var isListed: Bool
    }

    private static let firstBlockOffset = 64

    /// Pages with room, by size class.
    private let available: UnsafeMutablePointer<UnsafeMutablePointer<Page>?>
    /// Pages nobody uses: those that keep their memory are used first.
    private var reservedPages: [UnsafeMutablePointer<Page>] = []
    private var releasedPages: [UnsafeMutablePointer<Page>] = []
    private var arenas: [UnsafeMutableRawPointer] = []
    /// Bytes in live blocks.
    private(set) var byteCount = 0
    private(set) var messageCount = 0
    /// Bytes that the process holds for messages: pages in use and large blocks.
    private(set) var residentByteCount = 0

    init() {
        available = .allocate(capacity: Self.sizeClassCount)
        available.initialize(repeating: nil, count: Self.sizeClassCount)
    }

    /// 8-byte steps to 512, then eight steps to each doubling.
    private static let sizeClassCount = 64 + 32 + 1

    @inline(__always)
    private static func sizeClass(_ byteCount: Int) -> Int {
        if byteCount <= 512 { return (byteCount + 7) >> 3 - 1 }
        let shift = Int.bitWidth - 1 - (byteCount - 1).leadingZeroBitCount - 3
        return 64 + (shift - 6) * 8 + ((byteCount - 1) >> shift) - 8
    }

    @inline(__always)
    private static func blockByteCount(_ sizeClass: Int) -> Int {
        if sizeClass < 64 { return (sizeClass + 1) << 3 }
        let shift = (sizeClass - 64) / 8 + 6
        return ((sizeClass - 64) % 8 + 9) << shift
    }

    @inline(__always)
    mutating func allocate(_ wanted: Int) -> UnsafeMutableRawPointer {
        byteCount += wanted
        messageCount += 1
        guard wanted <= Self.largestSlabByteCount else {
            residentByteCount += wanted
            return Self.allocateLarge(wanted)
        }
        let sizeClass = Self.sizeClass(wanted)
        let page = available[sizeClass] ?? addPage(sizeClass)
        page.pointee.live += 1
        if let block = page.pointee.free {
            page.pointee.free = block.load(as: UnsafeMutableRawPointer?.self)
            if page.pointee.free == nil { unlistIfFull(page, sizeClass) }
            return block
        }
        let block = UnsafeMutableRawPointer(page) + Int(page.pointee.untouched)
        page.pointee.untouched += UInt32(truncatingIfNeeded: Self.blockByteCount(sizeClass))
        unlistIfFull(page, sizeClass)
        return block
    }

    @inline(__always)
    mutating func free(_ block: UnsafeMutableRawPointer, byteCount freed: Int) {
        byteCount -= freed
        messageCount -= 1
        guard freed <= Self.largestSlabByteCount else {
            residentByteCount -= freed
            return Self.freeLarge(block)
        }
        let address = UInt(bitPattern: block) & ~UInt(Self.pageByteCount - 1)
        let page = UnsafeMutablePointer<Page>(bitPattern: address).unsafelyUnwrapped
        block.storeBytes(of: page.pointee.free, as: UnsafeMutableRawPointer?.self)
        page.pointee.free = block
        page.pointee.live -= 1
        if !page.pointee.isListed { list(page) }
        if page.pointee.live == 0 { retire(page) }
    }

    /// Messages that were read back live from now on.
    mutating func adopt(_ read: PageRead) {
        byteCount += read.messageByteCount
        messageCount += read.messageCount
        residentByteCount += read.handOver()
    }

    /// Its counterpart: the block goes with its last message.
    @inline(never)
    mutating func free(_ byteCount: Int, in block: UnsafeMutablePointer<PageBlock>) {
        self.byteCount -= byteCount
        messageCount -= 1
        block.pointee.liveCount -= 1
        guard block.pointee.liveCount == 0 else { return }
        residentByteCount -= block.pointee.byteCount
        PageBlock.free(block)
    }

    @inline(__always)
    private mutating func unlistIfFull(_ page: UnsafeMutablePointer<Page>, _ sizeClass: Int) {
        let size = Self.blockByteCount(sizeClass)
        if page.pointee.free == nil, Int(page.pointee.untouched) + size > Self.pageByteCount { unlist(page) }
    }

    private mutating func list(_ page: UnsafeMutablePointer<Page>) {
        let head = available[Int(page.pointee.sizeClass)]
        page.pointee.next = head
        page.pointee.previous = nil
        head?.pointee.previous = page
        available[Int(page.pointee.sizeClass)] = page
        page.pointee.isListed = true
    }

    private mutating func unlist(_ page: UnsafeMutablePointer<Page>) {
        if let previous = page.pointee.previous {
            previous.pointee.next = page.pointee.next
        } else {
            available[Int(page.pointee.sizeClass)] = page.pointee.next
        }
        page.pointee.next?.pointee.previous = page.pointee.previous
        page.pointee.next = nil
        page.pointee.previous = nil
        page.pointee.isListed = false
    }

    /// An empty page leaves its class, unless it is the only one with room: that one is about to be used again.
    private mutating func retire(_ page: UnsafeMutablePointer<Page>) {
        if page.pointee.next == nil, page.pointee.previous == nil { return }
        unlist(page)
        residentByteCount -= Self.pageByteCount
        if reservedPages.count < Self.reservedPageCount { return reservedPages.append(page) }
        madvise(page, Self.pageByteCount, Int32(MADV_DONTNEED))
        releasedPages.append(page)
    }

    @inline(never)
    private mutating func addPage(_ sizeClass: Int) -> UnsafeMutablePointer<Page> {
        if reservedPages.isEmpty && releasedPages.isEmpty { addArena() }
        let page = reservedPages.popLast() ?? releasedPages.removeLast()
        residentByteCount += Self.pageByteCount
        page.initialize(
            to: Page(
                free: nil, untouched: UInt32(Self.firstBlockOffset), live: 0, sizeClass: UInt32(sizeClass),
                isListed: false))
        list(page)
        return page
    }

    private mutating func addArena() {
        // One page more than is used, so that pages can start at multiples of their size.
        let mapped = mmap(
            nil, Self.arenaByteCount + Self.pageByteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapped, mapped != MAP_FAILED else { fatalError("out of memory for messages") }
        arenas.append(mapped)
        let mask = UInt(Self.pageByteCount - 1)
        let aligned = (UInt(bitPattern: mapped) + mask) & ~mask
        for index in (0..<Self.arenaByteCount / Self.pageByteCount).reversed() {
            let address = aligned + UInt(index * Self.pageByteCount)
            releasedPages.append(UnsafeMutablePointer<Page>(bitPattern: address).unsafelyUnwrapped)
        }
    }

    @inline(never)
    private static func allocateLarge(_ byteCount: Int) -> UnsafeMutableRawPointer {
        guard let block = malloc(byteCount) else { fatalError("out of memory for a message of \(byteCount) bytes") }
        return block
    }

    @inline(never)
    private static func freeLarge(_ block: UnsafeMutableRawPointer) {
        #if canImport(Glibc)
            Glibc.free(block)
        #else
            Darwin.free(block)
        #endif
    }

    /// Unmaps everything; large blocks that are still live are the caller's loss.
    mutating func deallocate() {
        for arena in arenas { munmap(arena, Self.arenaByteCount + Self.pageByteCount) }
        arenas = []
        available.deallocate()
    }
}
