#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
import SplitMix

extension SplitMix64 {
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
