import Foundation
import SplitMix

extension SplitMix64 {
    /// A generator of its own for one of several tasks, so that their turns do not change each other's numbers.
    init(seed: UInt64, branch: Int) {
        var root = SplitMix64(seed: seed ^ (UInt64(truncatingIfNeeded: branch) &* 0xA24B_AED4_963E_E407))
        self.init(seed: root.next())
    }
}

/// Which seeds the rounds have. `LEVERET_SEED=17` runs one alone, `LEVERET_SOAK_ROUNDS=200` more than usual.
enum Rounds {
    static var seeds: [UInt64] {
        if let seed = environment("LEVERET_SEED") { return [seed] }
        return Array(1...max(1, environment("LEVERET_SOAK_ROUNDS") ?? 5))
    }

    /// Somebody looks for a fault: progress is of interest, and what a failed round leaves on disk.
    static var isSearch: Bool {
        environment("LEVERET_SEED") != nil || environment("LEVERET_SOAK_ROUNDS") != nil
    }

    private static func environment(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }
}
