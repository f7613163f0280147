#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The lines of a configuration file, in the form of `rabbitmq.conf`: `key = value`, `#` starts a comment, a value with
/// a `#` or with outer blanks stands in single quotes, `\.` is a dot inside a key's segment, and of equal keys the last
/// one counts.
package struct ConfigurationFile: Sendable {
    /// A file of more bytes is refused unread.
    package static let maxBytes = 1 << 20

    /// One setting.
    struct Setting: Sendable {
        /// 1 for the first line.
        let line: Int
        let segments: [String]
        /// The key as the file writes it.
        let key: String
        let value: String
    }

    /// What errors call the file.
    let name: String
    /// In the order of the file, only the last of equal keys.
    let settings: [Setting]

    /// Parses the bytes of a file.
    ///
    /// - Parameter name: what errors call the file.
    package init(_ bytes: [UInt8], name: String) throws(ConfigurationError) {
        self.name = name
        guard bytes.count <= Self.maxBytes else {
            throw ConfigurationError("\(name): the file is larger than \(Self.maxBytes) bytes")
        }
        var settings: [Setting?] = []
        var indices: [String: Int] = [:]
        var number = 0
        for var line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            if number == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            guard let setting = try Self.setting(of: line, number: number, name: name) else { continue }
            if let earlier = indices.updateValue(settings.count, forKey: setting.key) { settings[earlier] = nil }
            settings.append(setting)
        }
        self.settings = settings.compactMap { $0 }
    }

    /// Reads and parses the file at `path`.
    package init(path: String) throws(ConfigurationError) {
        let name = singleLine(path, maxBytes: 256)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.cannotRead(name) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while bytes.count <= Self.maxBytes {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.cannotRead(name) }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        try self.init(bytes, name: name)
    }

    private static func cannotRead(_ name: String) -> ConfigurationError {
        ConfigurationError("cannot read the configuration file \(name): \(String(cString: strerror(errno)))")
    }

    // MARK: - A line

    private static func setting(
        of line: ArraySlice<UInt8>, number: Int, name: String
    ) throws(ConfigurationError) -> Setting? {
        let place = "\(name):\(number)"
        guard let text = String(validating: line, as: UTF8.self) else {
            throw ConfigurationError("\(place): the line is not UTF-8")
        }
        let content = trim(text[...])
        guard let first = content.first, first != "#" else { return nil }
        guard let equals = content.firstIndex(of: "=") else {
            throw content.hasPrefix("include ")
                ? ConfigurationError("\(place): include is not supported: put every setting into one file")
                : malformed(content, place: place)
        }
        let key = trim(content[..<equals])
        guard let segments = segments(of: key) else { throw malformed(content, place: place) }
        let value = try value(of: trim(content[content.index(after: equals)...]), key: key, place: place)
        return Setting(line: number, segments: segments, key: String(key), value: value)
    }

    /// A value, without its quotes and without the comment after it.
    private static func value(of text: Substring, key: Substring, place: String) throws(ConfigurationError) -> String {
        guard text.first == "'" else {
            let value = trim(text.prefix { $0 != "#" })
            guard !value.isEmpty else {
                throw ConfigurationError("\(place): \(key): a value is missing; for example: heartbeat = 60")
            }
            return String(value)
        }
        let quoted = text.dropFirst()
        guard let end = quoted.firstIndex(of: "'") else {
            throw ConfigurationError("\(place): \(key): the closing quote is missing; for example: 'a # b'")
        }
        let rest = trim(quoted[quoted.index(after: end)...])
        guard rest.isEmpty || rest.first == "#" else {
            throw ConfigurationError("\(place): \(key): text follows the closing quote; for example: 'a # b'")
        }
        return String(quoted[..<end])
    }

    private static func malformed(_ content: Substring, place: String) -> ConfigurationError {
        // What stands before an equals sign is no secret; anything else might be.
        let found = singleLine(String(content.prefix { $0 != "=" }), maxBytes: 64)
        return ConfigurationError("\(place): expected key = value, found '\(found)'; for example: heartbeat = 60")
    }

    /// The dotted segments of a key, or nil when it is none: letters, digits, `-`, `_`, and `\.` for a dot.
    private static func segments(of key: Substring) -> [String]? {
        var segments = [""]
        var escaped = false
        for byte in key.utf8 {
            switch byte {
            case UInt8(ascii: ".") where escaped:
                segments[segments.count - 1] += "."
                escaped = false
            case _ where escaped: return nil
            case UInt8(ascii: "\\"): escaped = true
            case UInt8(ascii: "."): segments.append("")
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"):
                segments[segments.count - 1].unicodeScalars.append(Unicode.Scalar(byte))
            default: return nil
            }
        }
        return escaped || segments.contains("") ? nil : segments
    }

    private static func trim(_ text: Substring) -> Substring {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let last = text.lastIndex(where: { !isBlank($0) }) else { return "" }
        return text[...last].drop(while: isBlank)
    }
}
