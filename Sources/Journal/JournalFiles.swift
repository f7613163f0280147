/// The names in a journal's directory, and the form of what is in it.
package enum JournalFiles {
    static let format = "format"
    static let lock = "lock"
    static let checkpoints = ["checkpoint-a", "checkpoint-b"]
    /// 2: message blocks say when they were published; `deliveryCount`.
    package static let formatVersion = 2
    static let formatLine = "leveret journal \(formatVersion)"
    private static let segmentPrefix = "segment-"
    private static let indexPrefix = "index-"

    static func segment(_ number: Int) -> String { segmentPrefix + padded(number) }
    static func index(_ number: Int, use: Int) -> String { "\(indexPrefix)\(padded(number)).\(use)" }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    static func segmentNumber(_ name: String) -> Int? {
        guard name.hasPrefix(segmentPrefix) else { return nil }
        let digits = name.dropFirst(segmentPrefix.count)
        guard digits.utf8.count >= 6, digits.utf8.count < 16, digits.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int(digits)
    }

    static func isIndex(_ name: String) -> Bool { name.hasPrefix(indexPrefix) }
    static func isTemporary(_ name: String) -> Bool { name.hasSuffix(".tmp") }

    /// What may be in the directory before the file `format` is, when the first start was cut short.
    static func comesBeforeFormat(_ name: String) -> Bool { name == lock || name == format + ".tmp" }

    /// What the journal writes, apart from `format` and `lock`.
    static func isContent(_ name: String) -> Bool {
        let whole = isTemporary(name) ? String(name.dropLast(4)) : name
        return segmentNumber(whole) != nil || isIndex(whole) || checkpoints.contains(whole)
    }

    static func checkFormat(_ directory: String, _ disk: Disk) throws(JournalError) {
        let bytes = try disk.contents(directory + "/" + format, limit: 4096) ?? []
        let line = String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)
        if line == formatLine { return }
        let words = line.split(separator: " ")
        if words.count == 3, words[0] == "leveret", words[1] == "journal", let version = Int(words[2]) {
            throw .refused(
                "\(directory) is a journal of format \(version), and this version knows only \(formatVersion): start "
                    + "the version that wrote it, or a later one")
        }
        throw .refused(
            "\(directory)/\(format) does not say \"\(formatLine)\": choose another directory, or restore this file if "
                + "the directory is a journal of ours")
    }
}
