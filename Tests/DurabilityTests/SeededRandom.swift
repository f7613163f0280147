import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014): repeatable from one word.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A generator of its own for one of several tasks, so that their turns do not change each other's numbers.
    init(seed: UInt64, branch: Int) {
        var root = SeededRandom(seed: seed ^ (UInt64(truncatingIfNeeded: branch) &* 0xA24B_AED4_963E_E407))
        state = root.next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
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
