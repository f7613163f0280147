import Testing

@testable import Node

@Suite struct ResourceLimitTests {
    @Test(arguments: [
        ("0", 0), ("1234", 1234), ("7k", 7000), ("7K", 7000), ("7kB", 7000), ("7KB", 7000), ("7Ki", 7168),
        ("7kiB", 7168), ("7KIB", 7168), ("50MB", 50_000_000), ("50mb", 50_000_000), ("512MiB", 536_870_912),
        ("2G", 2_000_000_000), ("2GiB", 2_147_483_648), ("3TB", 3_000_000_000_000), ("1Ti", 1_099_511_627_776),
        ("1PB", 1_000_000_000_000_000), ("1PiB", 1_125_899_906_842_624),
    ])
    func sizesAreRabbitMQs(text: String, bytes: Int) { #expect(ResourceLimit.bytes(text) == bytes) }

    @Test(arguments: [
        "", "MB", "-1", "+1", "1.5GB", "1 GB", "1X", "1B", "1MBB", "1MiiB", "1iB", "1Mb/s", "٣",
        "9223372036854775808", "9223372036854775807k", "10000PiB",
    ])
    func whatIsNoSizeIsRefused(text: String) { #expect(ResourceLimit.bytes(text) == nil) }

    @Test(arguments: [("0.6", 0.6), ("2", 2), (".5", 0.5), ("1.", 1), ("0", 0)])
    func sharesAreDecimals(text: String, share: Double) { #expect(ResourceLimit.share(text) == share) }

    @Test(arguments: ["", ".", "1.2.3", "-1", "1e3", "inf", "nan", "0x1", "1,5", String(repeating: "1", count: 400)])
    func whatIsNoShareIsRefused(text: String) { #expect(ResourceLimit.share(text) == nil) }

    @Test(arguments: [
        (ResourceLimit.bytes(5), 5), (.memoryShare(0.5), 500), (.memoryShare(2), 2000), (.memoryShare(0), 0),
        (.memoryShare(1e300), 1 << 60),
    ])
    func limitsAreResolved(limit: ResourceLimit, bytes: Int) {
        #expect(limit.byteCount(memoryBytes: 1000) == bytes)
    }
}

@Suite struct MemoryLimitTests {
    @Test(arguments: [
        ("MemTotal:       24684092 kB\nMemFree:        23218096 kB\n", 24_684_092 * 1024),
        ("MemFree: 1 kB\nMemTotal: 2 kB", 2048),
        ("MemTotal: 2 MB", nil),
        ("MemTotal: many kB", nil),
        ("MemTotal: 9223372036854775807 kB", nil),
        ("MemTotal:", nil),
        ("", nil),
    ])
    func machineIsWhatMeminfoSays(meminfo: String, bytes: Int?) {
        #expect(MemoryLimit.machineBytes(meminfo: meminfo) == bytes)
    }

    @Test(arguments: [
        ("0::/", ["/sys/fs/cgroup/memory.max"]),
        (
            "0::/system.slice/leveret.service\n",
            [
                "/sys/fs/cgroup/system.slice/leveret.service/memory.max", "/sys/fs/cgroup/system.slice/memory.max",
                "/sys/fs/cgroup/memory.max",
            ]
        ),
        (
            "5:cpuset:/\n4:hugetlb,memory:/docker/4a\n1:name=systemd:/x\n0::/",
            [
                "/sys/fs/cgroup/memory/docker/4a/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory.max",
            ]
        ),
        // Outside of the namespace's root.
        ("0::/../other", ["/sys/fs/cgroup/memory.max"]),
        ("0::/a:b", ["/sys/fs/cgroup/a:b/memory.max", "/sys/fs/cgroup/memory.max"]),
        ("no colons", []),
        ("", []),
    ])
    func limitsAreLookedForUpToTheRoot(cgroup: String, files: [String]) {
        #expect(MemoryLimit.limitFiles(cgroup: cgroup) == files)
    }

    @Test(arguments: [
        ("536870912\n", 536_870_912), ("max\n", nil), ("", nil), ("-1", nil), ("0", nil),
        ("9223372036854771712\n", 9_223_372_036_854_771_712), ("99999999999999999999", nil),
    ])
    func limitIsANumber(text: String, bytes: Int?) { #expect(MemoryLimit.limitBytes(text) == bytes) }

    @Test(arguments: [
        // The group's own, its parent's, the machine's: the smallest counts.
        (["a/b": "100", "a": "200"], 100),
        (["a/b": "max", "a": "200"], 200),
        (["a/b": "9223372036854771712"], 1024 * 1024),
        ([:], 1024 * 1024),
    ])
    func theSmallestLimitCounts(limits: [String: String], bytes: Int) {
        var files = ["/proc/meminfo": "MemTotal: 1024 kB", "/proc/self/cgroup": "0::/a/b"]
        for (group, limit) in limits { files["/sys/fs/cgroup/\(group)/memory.max"] = limit }
        #expect(MemoryLimit.availableBytes { files[$0] } == bytes)
    }

    @Test func thisMachineHasMemory() {
        #expect(MemoryLimit.availableBytes(read: { _ in nil }) > 0)
        #expect(MemoryLimit.availableBytes > 0)
    }
}

@Suite struct DiskSpaceTests {
    @Test(
        arguments: [
            (10, 4096, 40960), (0, 4096, 0), (UInt64.max, 4096, Int.max), (UInt64.max, 1, Int.max),
        ] as [(UInt64, UInt64, Int)])
    func blocksAreBytes(blocks: UInt64, byteCount: UInt64, expected: Int) {
        #expect(DiskSpace.freeBytes(blocks: blocks, blockByteCount: byteCount) == expected)
    }

    @Test(arguments: [(9, 10, true), (10, 10, false), (11, 10, false), (0, 0, false)])
    func whatIsJustEnoughIsEnough(free: Int, limit: Int, isLow: Bool) {
        #expect(DiskSpace.isLow(freeBytes: free, limitBytes: limit) == isLow)
    }

    @Test func theSystemIsAsked() {
        #expect(DiskSpace.freeBytes(path: "/") != nil)
        #expect(DiskSpace.freeBytes(path: "/nonexistent/path") == nil)
    }
}
