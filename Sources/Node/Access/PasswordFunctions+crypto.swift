import Broker
import Crypto

extension PasswordFunctions {
    /// RabbitMQ's hashes, by swift-crypto, with salt from the system's randomness.
    package static let cryptographic = PasswordFunctions(
        digest: { hashing, bytes in
            switch hashing {
            case .sha256: Array(SHA256.hash(data: bytes))
            case .sha512: Array(SHA512.hash(data: bytes))
            case .md5: Array(Insecure.MD5.hash(data: bytes))
            }
        },
        salt: {
            var system = SystemRandomNumberGenerator()
            return (0..<4).map { _ in UInt8.random(in: .min ... .max, using: &system) }
        })
}
