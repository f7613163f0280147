import Glibc
import Testing

@testable import Journal

@Suite struct ModelTests {
    @Test(arguments: testSeeds(1..<13)) func aRandomLifeAgreesWithTheLedger(seed: UInt64) throws {
        var disk = MemoryDisk()
        var storage = StableStorage()
        var performed = 0
        let scenario = try Scenario(disk, seed: seed)
        var random = TestRandom(seed &+ 1_000_000)
        for round in 0..<12 {
            try scenario.run(steps: 20 + random.below(40))
            if random.below(2) == 0 {
                try scenario.restart(disk)
            } else {
                for operation in disk.operations[performed...] { storage.perform(operation) }
                let files = storage.afterPowerLoss(&random)
                disk = MemoryDisk(files: files)
                storage = StableStorage(files: files)
                performed = 0
                try scenario.begin(disk)
                let report = scenario.test.recovery.report
                #expect(report.isClean, "seed \(seed), round \(round): \(report.quarantined) \(report.damagedFiles)")
            }
            let complaints = scenario.complaints()
            #expect(complaints.isEmpty, "seed \(seed), round \(round): \(complaints.prefix(5))")
            if !complaints.isEmpty { return }
        }
    }
}

@Suite struct FailureTests {
    static let steps = 60

    private func operationCount(_ seed: UInt64) throws -> Int {
        let disk = MemoryDisk()
        let scenario = try Scenario(disk, seed: seed)
        try scenario.run(steps: Self.steps)
        return disk.operationCount
    }

    /// Runs a life until it fails, and checks what comes back. False if nothing failed.
    private func fail(
        _ seed: UInt64, at operation: Int, with number: Int32, losesPower: Bool, images: Int
    ) throws -> Bool {
        let disk = MemoryDisk()
        disk.failAt = operation
        disk.failWith = number
        disk.losesPower = losesPower
        var scenario: Scenario?
        var failure: JournalError?
        do throws(JournalError) {
            scenario = try Scenario(disk, seed: seed)
            try scenario?.run(steps: Self.steps)
            try scenario?.commit()
        } catch {
            failure = error
        }
        let what = "seed \(seed), operation \(operation): \(disk.failedOperation ?? "")"
        if number == ENOSPC, scenario != nil { #expect(failure == nil, "\(what)") }
        var storage = StableStorage()
        for done in disk.operations { storage.perform(done) }
        var random = TestRandom(seed &* 1000 &+ UInt64(operation))
        var left = losesPower ? [] : [disk.contents]
        for _ in 0..<images { left.append(storage.afterPowerLoss(&random)) }
        for (number, files) in left.enumerated() {
            let test = try TestJournal(MemoryDisk(files: files), Scenario.configuration)
            let ledger = scenario?.ledger ?? Ledger()
            let complaints = ledger.complaints(test, state: scenario?.state ?? [])
            #expect(complaints.isEmpty, "\(what), image \(number): \(complaints.prefix(5))")
            let report = test.recovery.report
            #expect(report.isClean, "\(what), image \(number): \(report.quarantined) \(report.damagedFiles)")
            if !complaints.isEmpty || !report.isClean { return false }
        }
        return disk.failedOperation != nil || (number == ENOSPC && operation < disk.operationCount)
    }

    @Test(arguments: testSeeds(1..<3)) func aPowerLossAtAnyMomentCostsNothingThatWasPromised(seed: UInt64) throws {
        for operation in 1...(try operationCount(seed)) {
            guard try fail(seed, at: operation, with: EIO, losesPower: true, images: 2) else { return }
        }
    }

    @Test(arguments: testSeeds(1..<3)) func aFullDiskIsSurvived(seed: UInt64) throws {
        for operation in 1...(try operationCount(seed)) {
            guard try fail(seed, at: operation, with: ENOSPC, losesPower: false, images: 1) else { return }
        }
    }

    @Test(arguments: testSeeds(1..<3)) func anyFailedOperationCostsNothingThatWasPromised(seed: UInt64) throws {
        for operation in 1...(try operationCount(seed)) {
            guard try fail(seed, at: operation, with: EIO, losesPower: false, images: 1) else { return }
        }
    }
}
