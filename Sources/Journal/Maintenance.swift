#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Work that the journal has for another thread: `run` there, then `Journal.finish` on the journal's thread. It touches
/// nothing of the journal's.
package final class MaintenanceJob: @unchecked Sendable {
    enum Work {
        /// Make a segment file, full of zeros.
        case prepare(fileNumber: Int, byteCount: Int)
        /// Nothing: the journal's thread has more to do, but not all at once.
        case nothing
        case writeIndex(path: String, ByteWriter)
        case writeCheckpoint(ByteWriter)
        case retire(Retirement)
        case readLive(MovedBlock)
    }

    let disk: Disk
    let directory: String
    let work: Work
    /// What a preparation has made.
    private(set) var prepared: PreparedSegment?
    private(set) var failure: JournalError?

    init(_ journal: Journal, _ work: Work) {
        disk = journal.disk
        directory = journal.configuration.directory
        self.work = work
    }

    /// Failures come out of `Journal.finish`.
    package func run() {
        do throws(JournalError) {
            switch work {
            case .prepare(let fileNumber, let byteCount): prepared = try prepare(fileNumber, byteCount)
            case .nothing: break
            case .writeIndex(let path, let writer): try disk.writeFile(path, writer.bytes)
            case .writeCheckpoint(let writer): try writeCheckpoint(writer)
            case .retire(let work): try retire(work)
            case .readLive(let block): try block.read(disk)
            }
        } catch {
            failure = error
        }
    }

    private func prepare(_ fileNumber: Int, _ byteCount: Int) throws(JournalError) -> PreparedSegment {
        let path = directory + "/" + JournalFiles.segment(fileNumber)
        let temporary = path + ".tmp"
        let file = try disk.open(temporary, .create)
        do throws(JournalError) {
            try fillWithZeros(file, byteCount)
            try disk.sync(file)
            try disk.rename(temporary, to: path)
            try disk.syncDirectory(directory)
        } catch {
            disk.close(file)
            // What was written of it must not keep the disk full.
            try? disk.unlink(temporary)
            throw error
        }
        return PreparedSegment(
            file: DiskFile(descriptor: file.descriptor, path: path), fileNumber: fileNumber, byteCount: byteCount)
    }

    private func writeCheckpoint(_ writer: ByteWriter) throws(JournalError) {
        // The index files' names first.
        try disk.syncDirectory(directory)
        for name in JournalFiles.checkpoints {
            try disk.replaceFile(directory + "/" + name, in: directory, writer.bytes)
        }
    }

    private func retire(_ work: Retirement) throws(JournalError) {
        for segment in work.blanked {
            try Journal.blank(segment.file, disk)
            try disk.sync(segment.file)
        }
        for file in work.deleted {
            disk.close(file)
            try disk.unlink(file.path)
        }
        for path in work.unlinked {
            do throws(JournalError) {
                try disk.unlink(path)
            } catch {
                // It could not be made for want of space.
                if case .disk(_, _, ENOENT) = error { continue }
                throw error
            }
        }
    }

    private func fillWithZeros(_ file: DiskFile, _ byteCount: Int) throws(JournalError) {
        let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: min(byteCount, 1 << 20), alignment: 4096)
        defer { zeros.deallocate() }
        zeros.initializeMemory(as: UInt8.self, repeating: 0)
        var done = 0
        while done < byteCount {
            let piece = UnsafeRawBufferPointer(rebasing: zeros[0..<min(zeros.count, byteCount - done)])
            try disk.write(file, piece, at: done)
            done += piece.count
        }
    }
}

extension Journal {
    /// The next thing to do on the maintenance thread, or nil. There is one at a time: nil until the last is finished.
    /// Ask after every `sync` and every `finish`.
    package func nextMaintenance() -> MaintenanceJob? {
        guard !hasFailed, isRecovered, outstandingJob == nil else { return nil }
        // Whoever uses segments as fast as they are made must keep nothing waiting that gives some back.
        let job =
            hasJustPrepared
            ? nextCheckpointJob() ?? nextCompactionJob() ?? preparation()
            : preparation() ?? nextCheckpointJob() ?? nextCompactionJob()
        outstandingJob = job
        if case .prepare = job?.work { hasJustPrepared = true } else { hasJustPrepared = false }
        return job
    }

    /// While the disk is full, nothing is prepared until this asks to try again.
    package func retryPreparation() {
        isDiskFull = false
        checkpoint.isBlocked = false
    }

    private func preparation() -> MaintenanceJob? {
        guard !isDiskFull else { return nil }
        let standard = configuration.segmentByteCount
        let byteCount: Int
        if pool.count(where: { $0.byteCount == standard }) < configuration.readySegmentCount {
            byteCount = standard
        } else if let wanted = wantedLargeByteCount, !pool.contains(where: { $0.byteCount >= wanted }) {
            byteCount = (wanted + 4095) & ~4095
        } else {
            return nil
        }
        let number = nextFileNumber
        nextFileNumber += 1
        return MaintenanceJob(self, .prepare(fileNumber: number, byteCount: byteCount))
    }

    /// Takes the result of a job that has run. A full disk is not a failure: see `isDiskFull`.
    package func finish(_ job: MaintenanceJob) throws(JournalError) {
        outstandingJob = nil
        try checkUsable()
        switch job.work {
        case .prepare:
            if let prepared = job.prepared { pool.append(prepared) }
            if let failure = job.failure {
                guard failure.isNoSpace else { throw fail(failure) }
                isDiskFull = true
            } else {
                isDiskFull = false
            }
        case .nothing: break
        case .writeIndex: try finishIndexFile(job)
        case .writeCheckpoint: try finishCheckpointFiles(job)
        case .retire(let work): try finishRetirement(job, work)
        case .readLive(let block): try finishReading(job, block)
        }
    }
}
