#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// SplitMix64 (Steele, Lea, Flood 2014): repeatable from one word.
struct SimulationRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// The four words that a shard wants.
    mutating func words() -> [UInt64] { (0..<4).map { _ in next() } }
}

/// Which seeds a test runs with. `LEVERET_SEED=17` runs one alone, `LEVERET_SEED_COUNT=1000` more than usual.
enum Seeds {
    static func first(_ count: Int) -> [UInt64] {
        if let seed = environment("LEVERET_SEED") { return [seed] }
        return Array(1...(environment("LEVERET_SEED_COUNT") ?? UInt64(count)))
    }

    static func environment(_ name: String) -> UInt64? {
        guard let value = getenv(name) else { return nil }
        return UInt64(String(cString: value))
    }
}
