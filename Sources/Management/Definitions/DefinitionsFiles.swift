import AMQPWire
import Broker
import JSON
import Logging
import Node

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `load_definitions`: definitions that are imported at every start, before clients may connect.
package struct DefinitionsFiles: Sendable {
    let path: String
    /// Whether they are left alone while they are those of the last start.
    let skipsUnchanged: Bool
    let logger: Logger

    private static let byteLimit = 512 << 20
    private static let fileLimit = 1024
    /// Where it is kept what was imported last; names like this one are nobody's definitions.
    static let hashParameter: ShortString = "internal_imported_definitions"

    package init?(_ configuration: Configuration, logger: Logger) {
        guard !configuration.loadDefinitions.isEmpty else { return nil }
        path = configuration.loadDefinitions
        skipsUnchanged = configuration.definitionsSkipIfUnchanged == "true"
        self.logger = logger
    }

    /// - Throws: What is wrong, naming the file. Of several files, those before it were imported.
    package func load(_ administration: Administration) async throws(DefinitionsError) {
        let files = try files()
        if files.isEmpty { throw DefinitionsError("load_definitions: there is no .json file in \(path)") }
        var contents: [(path: String, bytes: [UInt8])] = []
        for file in files { contents.append((file, try Self.read(file))) }
        let hash = Self.hash(contents.map(\.bytes))
        let controlPlane = administration.controlPlane
        let known = controlPlane.globalParameters.first { $0.name == Self.hashParameter }?.value.text
        if skipsUnchanged, known == hash {
            return logger.info("definitions in \(path) are those of the last start, and are not imported again")
        }
        for content in contents { try await load(content.path, content.bytes, administration) }
        do throws(AdministrationError) {
            try controlPlane.setGlobalParameter(Self.hashParameter, to: .string(hash))
            try await administration.settle()
        } catch {
            logger.warning("definitions will be imported again at the next start: \(error.reason)")
        }
    }

    private func load(
        _ file: String, _ bytes: [UInt8], _ administration: Administration
    ) async throws(DefinitionsError) {
        logger.info("importing definitions from \(file)")
        let definitions: Definitions
        do throws(DefinitionsError) {
            definitions = try Self.definitions(bytes)
            let logger = logger
            let report = try await DefinitionsImport(
                definitions, administration: administration,
                progress: { category, count in logger.info("importing \(count) \(category)") }
            ).run()
            for note in report.notes { logger.warning("definitions: \(note)") }
            let counts = report.counts.map { "\($0.imported) \($0.category)" }.joined(separator: ", ")
            logger.info("imported definitions from \(file): \(counts.isEmpty ? "nothing" : counts)")
        } catch {
            throw DefinitionsError("load_definitions: \(file): \(error)")
        }
    }

    /// - Parameter virtualHost: the one to read them for; nil for definitions of a whole node.
    static func definitions(
        _ bytes: [UInt8], virtualHost: ShortString? = nil
    ) throws(DefinitionsError) -> Definitions {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(bytes.withoutByteOrderMark)
        } catch {
            throw DefinitionsError("failed_to_parse_json: \(error)")
        }
        guard let object = value.object else {
            throw DefinitionsError("failed_to_parse_json: an object was expected, found \(value.kindName)")
        }
        return try DefinitionsReader.read(object, virtualHost: virtualHost)
    }

    // MARK: Files

    /// The file, or those of the directory that end in .json, by name.
    private func files() throws(DefinitionsError) -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOTDIR { return [path] }
            throw DefinitionsError("load_definitions: cannot open \(path): \(String(cString: strerror(errno)))")
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".json"), !name.hasPrefix(".") { names.append(name) }
        }
        guard names.count <= Self.fileLimit else {
            throw DefinitionsError("load_definitions: more than \(Self.fileLimit) files in \(path)")
        }
        return names.sorted().map { "\(path)/\($0)" }
    }

    private static func read(_ file: String) throws(DefinitionsError) -> [UInt8] {
        func failure(_ what: String) -> DefinitionsError { DefinitionsError("load_definitions: \(what) \(file)") }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw DefinitionsError("load_definitions: cannot open \(file): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw failure("no regular file:")
        }
        guard status.st_size <= byteLimit else { throw failure("larger than \(byteLimit >> 20) MiB:") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var count = 0
        while count < bytes.count {
            let received = bytes.withUnsafeMutableBytes {
                Self.readSome(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count)
            }
            if received < 0, errno == EINTR { continue }
            guard received >= 0 else { throw failure("cannot read") }
            if received == 0 { break }
            count += received
        }
        bytes.removeSubrange(count...)
        return bytes
    }

    private static func readSome(_ descriptor: CInt, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, buffer, count)
        #else
            Darwin.read(descriptor, buffer, count)
        #endif
    }

    /// FNV-1a over all of them: it need not withstand anybody who may write the files.
    private static func hash(_ contents: [[UInt8]]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for bytes in contents {
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            hash = (hash ^ UInt64(bytes.count)) &* 0x0000_0100_0000_01B3
        }
        return String(hash, radix: 16)
    }
}

extension [UInt8] {
    /// Some editors begin a text with it.
    var withoutByteOrderMark: [UInt8] { starts(with: [0xEF, 0xBB, 0xBF]) ? Array(dropFirst(3)) : self }
}
