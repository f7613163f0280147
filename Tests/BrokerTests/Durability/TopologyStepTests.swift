import AMQPWire
import Testing

@testable import Broker

struct TopologyStepTests {
    private func read(_ bytes: [UInt8]) throws(WireError) -> (step: TopologyStep, rest: Int) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: bytes)
        var reader = WireReader(UnsafeRawBufferPointer(buffer))
        return (try TopologyStep(from: &reader), reader.remainingCount)
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func aStepIsReadAsItWasWritten(seed: UInt64) throws {
        var samples = TopologySamples(seed: seed)
        for _ in 0..<300 {
            let step = samples.step()
            let read = try read(written { step.write(to: &$0) })
            #expect(read.step == step)
            #expect(read.rest == 0)
        }
    }

    /// The form on disk: what is written today must be read by every later version.
    @Test func theFormOfAStepStaysAsItIs() {
        func bytes(_ step: TopologyStep) -> [UInt8] { written { step.write(to: &$0) } }
        let none: [UInt8] = [0, 0, 0, 0]
        #expect(bytes(.virtualHostAdded("/")) == [1, 1, 47])
        #expect(
            bytes(
                .exchangeDeclared(
                    virtualHost: "/",
                    DurableExchange(
                        name: "e", type: "topic", isAutoDelete: true, isInternal: true,
                        arguments: ["a": .bool(true)])))
                == [2, 1, 47, 1, 101, 5] + Array("topic".utf8) + [3, 0, 0, 0, 4, 1, 97, 116, 1])
        #expect(
            bytes(
                .exchangeDeclared(
                    virtualHost: "/",
                    DurableExchange(
                        name: "e", type: "x", isAutoDelete: false, isInternal: false, arguments: FieldTable(),
                        journalNumber: 258, creator: "u")))
                == [2, 1, 47, 1, 101, 1, 120, 12] + none + [0, 0, 1, 2, 1, 117])
        #expect(bytes(.exchangeDeleted(virtualHost: "/", name: "e")) == [3, 1, 47, 1, 101])
        #expect(
            bytes(
                .queueDeclared(
                    virtualHost: "/",
                    DurableQueue(name: "q", journalNumber: 258, isAutoDelete: false, arguments: FieldTable())))
                == [4, 1, 47, 1, 113, 0, 0, 1, 2, 0] + none)
        #expect(bytes(.queueDeleted(virtualHost: "/", name: "q")) == [5, 1, 47, 1, 113])
        #expect(bytes(.queuePaused(virtualHost: "/", name: "q", true)) == [64, 1, 47, 1, 113, 1])
        let binding = DurableBinding(
            source: "e", destination: "q", isToQueue: true, routingKey: "k", arguments: FieldTable())
        #expect(bytes(.bound(virtualHost: "/", binding)) == [6, 1, 47, 1, 101, 1, 113, 1, 1, 107] + none)
        #expect(bytes(.unbound(virtualHost: "/", binding)) == [7, 1, 47, 1, 101, 1, 113, 1, 1, 107] + none)
        let policy = Policy(name: "p", pattern: "x", target: .queues, priority: 2, definition: ["a": .bool(true)])
        let table: FieldTable = [
            "pattern": .string("x"), "apply-to": .string("queues"), "priority": .int64(2),
            "definition": .table(["a": .bool(true)]),
        ]
        #expect(
            bytes(.policySet(virtualHost: "/", isOperator: true, policy))
                == [8, 1, 47, 1, 1, 112] + written { $0.write(table) })
        #expect(
            bytes(.policyCleared(virtualHost: "/", isOperator: false, name: "p")) == [9, 1, 47, 0, 1, 112])
        var metadata = VirtualHostMetadata()
        metadata.maxQueues = 3
        #expect(
            bytes(.virtualHostChanged("/", metadata)) == [10, 1, 47] + written { $0.write(["max-queues": .int64(3)]) })
        #expect(bytes(.virtualHostRemoved("/")) == [11, 1, 47])
        let permissions: FieldTable = ["configure": .string(""), "write": .string("w"), "read": .string("r")]
        #expect(
            bytes(
                .permissionsSet(
                    virtualHost: "/", user: "u", Permissions(configure: "", write: "w", read: "r")))
                == [12, 1, 47, 1, 117] + written { $0.write(permissions) })
        #expect(bytes(.permissionsCleared(virtualHost: "/", user: "u")) == [13, 1, 47, 1, 117])
    }

    @Test func theFormOfAStepAboutAccessStaysAsItIs() {
        func bytes(_ step: AccessStep) -> [UInt8] { written { TopologyStep.access(step).write(to: &$0) } }
        var user = UserRecord(name: "u")
        user.passwordHash = [1, 2, 3, 4, 5]
        user.hashing = .sha512
        user.tags = ["administrator", "x"]
        user.limits.maxChannels = -1
        let table: FieldTable = [
            "password-hash": .longString([1, 2, 3, 4, 5]), "hashing": .string("rabbit_password_hashing_sha512"),
            "tags": .array([.string("administrator"), .string("x")]),
            "limits": .table(["max-channels": .int64(-1)]),
        ]
        #expect(bytes(.userSet(user)) == [32, 1, 117] + written { $0.write(table) })
        #expect(bytes(.userRemoved("u")) == [33, 1, 117])
        let permissions: FieldTable = ["write": .string("w"), "read": .string("")]
        #expect(
            bytes(
                .topicPermissionsSet(
                    virtualHost: "/", user: "u", exchange: "e", TopicPermissions(write: "w", read: "")))
                == [34, 1, 47, 1, 117, 1, 101] + written { $0.write(permissions) })
        #expect(
            bytes(.topicPermissionsCleared(virtualHost: "/", user: "u", exchange: "e"))
                == [35, 1, 47, 1, 117, 1, 101])
        let name = ParameterName(component: "c", name: "n")
        let value = written { $0.write(["value": .bool(true)] as FieldTable) }
        #expect(bytes(.parameterSet(virtualHost: "/", name, .bool(true))) == [36, 1, 47, 1, 99, 1, 110] + value)
        #expect(bytes(.parameterCleared(virtualHost: "/", name)) == [37, 1, 47, 1, 99, 1, 110])
        #expect(bytes(.globalParameterSet(name: "n", .bool(true))) == [38, 1, 110] + value)
        #expect(bytes(.globalParameterCleared(name: "n")) == [39, 1, 110])
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func aStepThatIsCutOffIsRefused(seed: UInt64) {
        var samples = TopologySamples(seed: seed)
        for _ in 0..<40 {
            let step = samples.step()
            let bytes = written { step.write(to: &$0) }
            for count in 0..<bytes.count {
                #expect(throws: WireError.self) { try read(Array(bytes.prefix(count))) }
            }
        }
    }

    /// Whatever the bytes are, they are a step or refused, and a step that is read can be written again.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func garbageIsAStepOrRefused(seed: UInt64) throws {
        var samples = TopologySamples(seed: seed)
        var readCount = 0
        for _ in 0..<2_000 {
            let step = samples.step()
            var bytes = written { step.write(to: &$0) }
            for _ in 0...samples.below(3) {
                bytes[samples.below(bytes.count)] = UInt8(truncatingIfNeeded: samples.random.next())
            }
            guard let changed = try? read(bytes).step else { continue }
            readCount += 1
            let again = written { changed.write(to: &$0) }
            // Compared as bytes: a number that is not a number is not equal to itself.
            let twice = try read(again).step
            #expect(written { twice.write(to: &$0) } == again)
        }
        #expect(readCount > 0)
        for _ in 0..<2_000 {
            _ = try? read((0..<samples.below(60)).map { _ in UInt8(truncatingIfNeeded: samples.random.next()) })
        }
    }

    @Test func anUnknownKindIsRefused() {
        for kind in [0, 12, 255] as [UInt8] {
            #expect(throws: WireError.truncated) { try read([kind] + [UInt8](repeating: 0, count: 40)) }
        }
    }
}
