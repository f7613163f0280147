#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Memory for the indexes of deep backlogs, in blocks of 64 KiB: plain memory up to a limit, and beyond it a scratch
/// file that is mapped, of which blocks can leave memory until they are touched again.
///
/// The file is unlinked as soon as it is open, so nothing is left of it whatever happens; its space is taken before it
/// is mapped, so a full disk is met here, where plain memory is the answer, and not at a write to a page. One owner at
/// a time. It holds nothing that must last: it is no business of `Disk`.
package final class IndexMemory: @unchecked Sendable {
    package static let blockByteCount = 65_536
    private static let extentByteCount = 16 << 20

    private let path: String?
    private let plainByteLimit: Int
    private var descriptor: Int32 = -1
    private var hasFailed = false
    private var extents: [UnsafeMutableRawPointer] = []
    private var free: [UnsafeMutableRawPointer] = []
    /// Bytes of plain memory in use.
    package private(set) var plainByteCount = 0
    /// Bytes of the file in use, whether they are in memory or not.
    package private(set) var mappedByteCount = 0

    /// - Parameters:
    ///   - path: of the scratch file; nil for plain memory only.
    ///   - plainByteLimit: what is taken of plain memory before the file is used.
    package init(path: String? = nil, plainByteLimit: Int = .max) {
        self.path = path
        self.plainByteLimit = plainByteLimit
    }

    deinit {
        for extent in extents { munmap(extent, Self.extentByteCount) }
        if descriptor >= 0 { close(descriptor) }
    }

    /// A block with any content, at a multiple of 64 KiB if it is of the file.
    package func allocate() -> UnsafeMutableRawPointer {
        if plainByteCount >= plainByteLimit, let block = allocateMapped() {
            mappedByteCount += Self.blockByteCount
            return block
        }
        return allocatePlain()
    }

    private func allocatePlain() -> UnsafeMutableRawPointer {
        plainByteCount += Self.blockByteCount
        return .allocate(byteCount: Self.blockByteCount, alignment: 16)
    }

    /// The block, or, of one of the file, its content in plain memory, where it is going to be changed: read in one go,
    /// while a page that is mapped has to be met, read, and at the first write copied or marked.
    ///
    /// The block should have been evicted: what it has in memory stays there until it is used again.
    package func bringBack(_ block: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        guard let offset = offset(of: block) else { return block }
        let copy = allocatePlain()
        if pread(descriptor, copy, Self.blockByteCount, off_t(offset)) != Self.blockByteCount {
            copy.copyMemory(from: block, byteCount: Self.blockByteCount)
        }
        mappedByteCount -= Self.blockByteCount
        free.append(block)
        return copy
    }

    package func deallocate(_ block: UnsafeMutableRawPointer) {
        if isMapped(block) {
            mappedByteCount -= Self.blockByteCount
            evict(block)
            free.append(block)
        } else {
            plainByteCount -= Self.blockByteCount
            block.deallocate()
        }
    }

    /// The block leaves memory, if it can, until it is touched again.
    package func evict(_ block: UnsafeMutableRawPointer) {
        if isMapped(block) { madvise(block, Self.blockByteCount, Int32(MADV_DONTNEED)) }
    }

    private func isMapped(_ block: UnsafeMutableRawPointer) -> Bool { offset(of: block) != nil }

    /// Where the block is in the file; nil for plain memory.
    private func offset(of block: UnsafeMutableRawPointer) -> Int? {
        for (index, extent) in extents.enumerated() where block >= extent && block < extent + Self.extentByteCount {
            return index * Self.extentByteCount + (block - extent)
        }
        return nil
    }

    private func allocateMapped() -> UnsafeMutableRawPointer? {
        if free.isEmpty { addExtent() }
        return free.popLast()
    }

    private func addExtent() {
        guard let path, !hasFailed else { return }
        if descriptor < 0 {
            descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            unlink(path)
        }
        let offset = off_t(extents.count * Self.extentByteCount)
        #if canImport(Glibc)
            let isReserved = descriptor >= 0 && posix_fallocate(descriptor, offset, off_t(Self.extentByteCount)) == 0
        #else
            let isReserved = false
        #endif
        let mapped =
            isReserved
            ? mmap(nil, Self.extentByteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, offset) : MAP_FAILED
        guard let mapped, mapped != MAP_FAILED else {
            hasFailed = true
            return
        }
        extents.append(mapped)
        for start in stride(from: 0, to: Self.extentByteCount, by: Self.blockByteCount).reversed() {
            free.append(mapped + start)
        }
    }
}
