#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How much memory this process may use: the machine's, or what its control group allows, whichever is less. A
/// container's limit is that of its control group.
package enum MemoryLimit {
    /// In bytes, as it was when it was first asked for.
    package static let availableBytes = availableBytes(read: readSmallFile)

    /// - Parameter read: gives the text of a file, nil where there is none.
    static func availableBytes(read: (String) -> String?) -> Int {
        let machine = read("/proc/meminfo").flatMap(machineBytes) ?? physicalBytes
        let groups = read("/proc/self/cgroup").map(limitFiles) ?? []
        return groups.compactMap { read($0).flatMap(limitBytes) }.reduce(machine, min)
    }

    /// `MemTotal` of `/proc/meminfo`, which counts in units of 1024 bytes and calls them kB.
    static func machineBytes(meminfo: String) -> Int? {
        for line in meminfo.split(separator: "\n") where line.hasPrefix("MemTotal:") {
            let fields = line.split(separator: " ")
            guard fields.count == 3, fields[2] == "kB", let count = Int(fields[1]), count > 0 else { return nil }
            let (bytes, overflow) = count.multipliedReportingOverflow(by: 1024)
            return overflow ? nil : bytes
        }
        return nil
    }

    /// The files that may hold a limit of a process with this `/proc/self/cgroup`: those of its group and of the groups
    /// above it, in version 2 (`0::/path`) and in version 1 (`4:memory:/path`).
    ///
    /// Inside a container the path may be the host's, of which only the root is there to be read.
    static func limitFiles(cgroup: String) -> [String] {
        var files: [String] = []
        for line in cgroup.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[0] == "0", fields[1].isEmpty {
                files += paths(upFrom: fields[2]).map { "/sys/fs/cgroup\($0)/memory.max" }
            } else if fields[1].split(separator: ",").contains("memory") {
                files += paths(upFrom: fields[2]).map { "/sys/fs/cgroup/memory\($0)/memory.limit_in_bytes" }
            }
        }
        return files
    }

    /// `/a/b`, `/a` and the empty path of the root.
    private static func paths(upFrom path: Substring) -> [String] {
        let components = path.split(separator: "/")
        guard components.count <= 64, !components.contains("..") else { return [""] }
        return (0...components.count).reversed().map { count in components[..<count].map { "/\($0)" }.joined() }
    }

    /// The number in such a file; nil for `max`. Version 1 says none by a number beyond any memory.
    static func limitBytes(_ text: String) -> Int? {
        guard let number = Int(text.prefix { !$0.isWhitespace }), number > 0 else { return nil }
        return number
    }

    /// For systems without `/proc`.
    private static var physicalBytes: Int {
        #if canImport(Glibc)
            let pages = sysconf(Int32(_SC_PHYS_PAGES))
            let size = sysconf(Int32(_SC_PAGESIZE))
        #else
            let pages = sysconf(_SC_PHYS_PAGES)
            let size = sysconf(_SC_PAGESIZE)
        #endif
        return pages > 0 && size > 0 ? pages * size : 1 << 30
    }
}
