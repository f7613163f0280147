import AMQPWire
import Broker
import Node
import Testing

/// Password hashes in RabbitMQ's form: salt, then the digest of salt and password.
@Suite struct PasswordTests {
    /// From RabbitMQ's documentation of the algorithm: salt 908DC60A, password `test12`.
    @Test func theDocumentedHashIsMade() {
        let documented = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
        let passwords = PasswordFunctions(
            digest: { PasswordFunctions.cryptographic.digest($0, $1) }, salt: { [0x90, 0x8D, 0xC6, 0x0A] })
        #expect(passwords.hash(Array("test12".utf8)) == decoded(documented))
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/", access: settings(passwords))
        #expect(logsIn(controlPlane, "test12", hash: decoded(documented), .sha256))
        #expect(!logsIn(controlPlane, "test13", hash: decoded(documented), .sha256))
        #expect(!logsIn(controlPlane, "test12", hash: decoded(documented), .sha512))
        #expect(!logsIn(controlPlane, "test12", hash: Array(decoded(documented).dropLast()), .sha256))
    }

    /// Made with the command-line tools of the system: salt 01020304, password `secret`.
    @Test(arguments: [
        (
            PasswordHashing.sha256, "307d90cdb5884533375959fba551782b1d36a4b4b0445d0104dc63a5ecdcf333"
        ),
        (
            PasswordHashing.sha512,
            "f8531f62f91c6601d4b58eae7f98a6fb90995397286aa0b2e88944865320b468"
                + "12f6e5489a3f580b329b72194dfb9a21a2b9291da8e4ac057d3bfa2acc5f3081"
        ),
        (PasswordHashing.md5, "3824f5c8bc2df87a08a13d6340147e65"),
    ])
    func everyAlgorithmIsThere(hashing: PasswordHashing, hexadecimal: String) {
        let digest = PasswordFunctions.cryptographic.digest(hashing, [1, 2, 3, 4] + Array("secret".utf8)) ?? []
        #expect(digest == bytes(hexadecimal))
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/", access: settings(.cryptographic))
        #expect(logsIn(controlPlane, "secret", hash: [1, 2, 3, 4] + digest, hashing))
        #expect(!logsIn(controlPlane, "Secret", hash: [1, 2, 3, 4] + digest, hashing))
    }

    /// Two users with one password do not show it.
    @Test func everyHashHasSaltOfItsOwn() {
        let passwords = PasswordFunctions.cryptographic
        let salts = (0..<20).compactMap { _ in passwords.hash(Array("secret".utf8))?.prefix(4) }
        #expect(salts.count == 20)
        #expect(Set(salts).count > 10)
        #expect(passwords.hash([], .sha512)?.count == 68)
    }

    private func settings(_ passwords: PasswordFunctions) -> AccessSettings {
        var settings = AccessSettings()
        settings.passwords = passwords
        return settings
    }

    private func logsIn(
        _ controlPlane: ControlPlane, _ password: String, hash: [UInt8], _ hashing: PasswordHashing
    ) -> Bool {
        var user = UserRecord(name: "u")
        user.passwordHash = hash
        user.hashing = hashing
        #expect(throws: Never.self) { try controlPlane.putUser(user) }
        let outcome = controlPlane.authenticate(
            name: Array("u".utf8), password: Array(password.utf8), from: "127.0.0.1", isLoopback: true, by: .amqp)
        return if case .accepted = outcome { true } else { false }
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        stride(from: 0, to: hexadecimal.utf8.count, by: 2).compactMap { offset in
            UInt8(hexadecimal.dropFirst(offset).prefix(2), radix: 16)
        }
    }

    /// Base 64.
    private func decoded(_ text: String) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var bits = 0
        var value = 0
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            value = value << 6 | (alphabet.firstIndex(of: byte) ?? 0)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(value >> bits & 0xFF))
        }
        return bytes
    }
}
