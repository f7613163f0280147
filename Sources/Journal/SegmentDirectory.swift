/// What the segment files of a directory say they are.
struct SegmentDirectory {
    struct File {
        let number: Int
        let file: DiskFile
        let byteCount: Int
        let reading: SegmentHeader.Reading
    }

    var files: [File] = []

    static func read(_ directory: String, _ names: [String], _ disk: Disk) throws(JournalError) -> SegmentDirectory {
        var found = SegmentDirectory()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: SegmentHeader.byteCount, alignment: 16)
        defer { buffer.deallocate() }
        for name in names.sorted() {
            guard let number = JournalFiles.segmentNumber(name) else { continue }
            let file = try disk.open(directory + "/" + name, .readWrite)
            do throws(JournalError) {
                let byteCount = try disk.byteCount(file)
                // The checkpoint may know what cannot be read.
                let got = (try? disk.read(file, into: buffer, at: 0)) ?? 0
                let reading = SegmentHeader.read(UnsafeRawBufferPointer(rebasing: buffer[0..<got]))
                found.files.append(
                    File(number: number, file: file, byteCount: byteCount, reading: usable(reading, byteCount)))
            } catch {
                disk.close(file)
                for earlier in found.files { disk.close(earlier.file) }
                throw error
            }
        }
        return found
    }

    /// A header whose numbers cannot be is a damaged one.
    private static func usable(_ reading: SegmentHeader.Reading, _ byteCount: Int) -> SegmentHeader.Reading {
        guard case .header(let header, _) = reading else { return reading }
        return isPlausible(header) ? reading : .damaged
    }

    static func isPlausible(_ header: SegmentHeader) -> Bool {
        header.base % UInt64(Record.alignment) == 0 && header.base < 1 << 62 && header.sequence < 1 << 62
            && header.fileByteCount >= UInt64(SegmentHeader.byteCount + WritePlan.endByteCount)
            && header.fileByteCount < 1 << 46
    }
}
