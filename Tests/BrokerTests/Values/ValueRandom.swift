@testable import Broker

/// A repeatable source of randomness for tests of values.
func seededRandom(_ seed: UInt64) -> SeededRandom { SeededRandom(seed: [seed, seed &* 31, 7, seed ^ 0xABCD]) }

/// A message that only its place in memory tells from others.
func fakeMessage(_ number: Int) -> Message {
    Message(memory: UnsafeMutableRawPointer(bitPattern: (number + 1) * 64).unsafelyUnwrapped)
}
