import AMQPWire
import Foundation
import JSON
import Journal
import Testing

@testable import Broker
@testable import leveretctl

@Suite struct DumpedRecordTests {
    /// The lines of a buffer's records.
    private func lines(_ queues: QueueNames = QueueNames(), _ fill: (inout LaneBuffer) -> Void) -> [String] {
        var buffer = LaneBuffer()
        fill(&buffer)
        defer { buffer.deallocate() }
        let bytes = UnsafeRawBufferPointer(buffer.bytes)
        var lines: [String] = []
        var offset = 0
        while offset < bytes.count {
            let payload = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            let start = offset + Record.headerByteCount
            let body = UnsafeRawBufferPointer(rebasing: bytes[start..<start + payload])
            lines.append(line(kind: bytes[offset + 4], payload: body, queues: queues))
            offset += Record.byteCount(payload: payload)
        }
        return lines
    }

    private func line(
        kind: UInt8, payload: UnsafeRawBufferPointer, crc: DumpedRecord.CRCState = .sound,
        queues: QueueNames = QueueNames()
    ) -> String {
        DumpedRecord(
            position: 64, file: "segment-000001", offset: 8256, kind: kind, byteCount: 40, crc: crc, payload: payload
        ).line(queues)
    }

    private func line(kind: UInt8, bytes: [UInt8], crc: DumpedRecord.CRCState = .sound) -> String {
        bytes.withUnsafeBytes { line(kind: kind, payload: $0, crc: crc) }
    }

    private func place(_ kind: String, crc: String = "sound") -> String {
        #"{"position":64,"file":"segment-000001","offset":8256,"kind":\#(kind),"byteCount":40,"crc":"\#(crc)""#
    }

    /// A message to exchange `x` with key `k`: head, addressing, two bytes of properties, three of body.
    private static let content: [UInt8] =
        [1, 0, 0, 0, 0, 1, 4, 0, 2, 0, 0, 0, 3, 0, 0, 0] + [UInt8](repeating: 0, count: 16)
        + [1, UInt8(ascii: "x"), 1, UInt8(ascii: "k"), 0, 0, 1, 2, 3]

    private static let message =
        #""live":false,"contentByteCount":41,"message":{"exchange":"x","routingKey":"k","persistent":true,"#
        + #""propertiesByteCount":2,"bodyByteCount":3}}"#

    @Test func messagesAreDescribed() {
        let id = MessageID.make(lane: 2, sequence: 5)
        let holders: [UInt32] = [7, 8, 9]
        let lines = lines { buffer in
            Self.content.withUnsafeBytes { content in
                holders.withUnsafeBufferPointer { holders in
                    buffer.appendMessage(id: id, holders: holders, content: content)
                    buffer.appendReplacement(
                        id: id, holders: holders, content: content, settledID: 3, settledHolder: 4)
                }
            }
        }
        let named = #","id":322,"lane":2,"sequence":5,"#
        #expect(
            lines == [
                place(#""message""#) + named + #""holders":[7,8,9],"# + Self.message,
                place(#""replacement""#) + named + #""settledID":3,"settledHolder":4,"holders":[7,8,9],"#
                    + Self.message,
            ])
    }

    @Test func contentThatIsNoMessageHasASizeOnly() {
        let lines = lines { buffer in
            ([1, 2, 3] as [UInt8]).withUnsafeBytes { content in
                [UInt32(7)].withUnsafeBufferPointer { buffer.appendMessage(id: 64, holders: $0, content: content) }
            }
        }
        #expect(
            lines == [
                place(#""message""#) + #","id":64,"lane":0,"sequence":1,"holders":[7],"live":false,"#
                    + #""contentByteCount":3}"#
            ])
    }

    @Test func otherRecordsAreDescribed() {
        let lines = lines { buffer in
            buffer.appendSettlement(id: 1, holder: 2)
            buffer.appendSettlement(id: 3, holder: 4)
            buffer.appendDeliveryMark(holder: 5, lane: 6, sequence: 7)
            buffer.appendDelivered(holder: 8, ids: [9, UInt64.max])
            buffer.appendHolderRemoved(10)
            buffer.appendDeliveryCount(holder: 11, id: 12, count: 13)
        }
        #expect(
            lines == [
                place(#""settlements""#) + #","settlements":[{"id":1,"holder":2},{"id":3,"holder":4}]}"#,
                place(#""deliveryMark""#) + #","holder":5,"lane":6,"sequence":7}"#,
                place(#""delivered""#) + #","holder":8,"ids":[9,1.8446744073709552e+19]}"#,
                place(#""holderRemoved""#) + #","holder":10}"#,
                place(#""deliveryCount""#) + #","holder":11,"count":13,"id":12}"#,
            ])
    }

    @Test func movedMessagesAndFramesOfTheLogAreDescribed() {
        let number: [UInt8] = [9, 0, 0, 0, 0, 0, 0, 0]
        let moved: [UInt8] = [64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + number
        #expect(
            line(kind: 4, bytes: moved) == place(#""moved""#)
                + #","id":64,"lane":0,"sequence":1,"order":9,"holders":[],"live":false,"contentByteCount":0}"#)
        #expect(line(kind: 1, bytes: number) == place(#""batch""#) + #","synced":9}"#)
        #expect(line(kind: 12, bytes: []) == place(#""end""#) + "}")
        #expect(line(kind: 99, bytes: [1]) == place("99") + #","malformed":true}"#)
    }

    @Test func holdersAreNamed() {
        var queues = QueueNames()
        for (number, name) in [(7, "orders"), (8, "\u{22}")] as [(UInt32, ShortString)] {
            let queue = DurableQueue(name: name, journalNumber: number, isAutoDelete: false, arguments: [:])
            queues.add(.queueDeclared(virtualHost: "/", queue))
        }
        let lines = lines(queues) { buffer in
            ([] as [UInt8]).withUnsafeBytes { content in
                [UInt32(7), 9, 8].withUnsafeBufferPointer { holders in
                    buffer.appendReplacement(
                        id: 64, holders: holders, content: content, settledID: 3, settledHolder: 7)
                }
            }
            buffer.appendSettlement(id: 1, holder: 7)
            buffer.appendHolderRemoved(8)
        }
        let orders = #"{"virtualHost":"/","name":"orders"}"#
        let quote = #"{"virtualHost":"/","name":"\""}"#
        #expect(
            lines == [
                place(#""replacement""#) + #","id":64,"lane":0,"sequence":1,"settledID":3,"settledHolder":7,"#
                    + #""settledQueue":\#(orders),"holders":[7,9,8],"queues":[\#(orders),null,\#(quote)],"live":false,"#
                    + #""contentByteCount":0}"#,
                place(#""settlements""#) + #","settlements":[{"id":1,"holder":7,"queue":\#(orders)}]}"#,
                place(#""holderRemoved""#) + #","holder":8,"queue":\#(quote)}"#,
            ])
    }

    private static let arguments: FieldTable = [
        "x-max-length": .int32(-1), "on": .bool(true), "text": .string("\n\u{1B}"), "bytes": .longString([0xFF]),
        "raw": .bytes([1]), "list": .array([.void, .double(.nan), .float(1.5), .table([:])]),
        "at": .timestamp(.max), "price": .decimal(scale: 2, value: 314),
    ]

    @Test func stepsOfTheTopologyAreDescribed() {
        let json =
            #"{"x-max-length":-1,"on":true,"text":"\n\u001b","bytes":{"hex":"ff"},"raw":{"hex":"01"},"#
            + #""list":[null,"nan",1.5,{}],"at":{"timestamp":1.8446744073709552e+19},"price":{"scale":2,"value":314}}"#
        let binding = DurableBinding(
            source: "x", destination: "q", isToQueue: true, routingKey: ShortString(bytes: [0xFE]), arguments: [:])
        let steps: [(TopologyStep, String)] = [
            (.virtualHostAdded("/"), #""step":"virtualHostAdded","virtualHost":"/""#),
            (
                .exchangeDeclared(
                    virtualHost: "/",
                    DurableExchange(
                        name: "x", type: "topic", isAutoDelete: true, isInternal: false, arguments: Self.arguments)),
                #""step":"exchangeDeclared","virtualHost":"/","exchange":"x","type":"topic","autoDelete":true,"#
                    + #""internal":false,"arguments":\#(json)"#
            ),
            (
                .exchangeDeleted(virtualHost: "/", name: "x"),
                #""step":"exchangeDeleted","virtualHost":"/","exchange":"x""#
            ),
            (
                .queueDeclared(
                    virtualHost: "/",
                    DurableQueue(name: "q", journalNumber: 3, isAutoDelete: false, arguments: [:])),
                #""step":"queueDeclared","virtualHost":"/","queue":"q","holder":3,"autoDelete":false,"arguments":{}"#
            ),
            (.queueDeleted(virtualHost: "/", name: "q"), #""step":"queueDeleted","virtualHost":"/","queue":"q""#),
            (
                .bound(virtualHost: "/", binding),
                #""step":"bound","virtualHost":"/","source":"x","destination":"q","destinationType":"queue","#
                    + #""routingKeyHex":"fe","arguments":{}"#
            ),
            (
                .unbound(virtualHost: "/", binding),
                #""step":"unbound","virtualHost":"/","source":"x","destination":"q","destinationType":"queue","#
                    + #""routingKeyHex":"fe","arguments":{}"#
            ),
            (
                .policySet(
                    virtualHost: "/", isOperator: true,
                    Policy(
                        name: "p", pattern: "^q", target: .queues, priority: 1,
                        definition: ["max-length": .int64(5)])),
                #""step":"policySet","virtualHost":"/","operator":true,"policy":"p","settings":{"pattern":"^q","#
                    + #""apply-to":"queues","priority":1,"definition":{"max-length":5}}"#
            ),
            (
                .policyCleared(virtualHost: "/", isOperator: false, name: "p"),
                #""step":"policyCleared","virtualHost":"/","operator":false,"policy":"p""#
            ),
            (
                .virtualHostChanged("/", VirtualHostMetadata()),
                #""step":"virtualHostChanged","virtualHost":"/","settings":{}"#
            ),
            (.virtualHostRemoved("/"), #""step":"virtualHostRemoved","virtualHost":"/""#),
        ]
        for (step, expected) in steps {
            let lines = lines { $0.append(step) }
            #expect(lines == [place(#""stateChange""#) + ",\(expected)}"])
        }
    }

    @Test func stepsOfPermissionsAreDescribed() {
        let permissions = Permissions(configure: "", write: "^q", read: ".*")
        let steps: [(TopologyStep, String)] = [
            (
                .permissionsSet(virtualHost: "/", user: "u", permissions),
                #""step":"permissionsSet","virtualHost":"/","user":"u","#
                    + #""permissions":{"configure":"","write":"^q","read":".*"}"#
            ),
            (
                .permissionsCleared(virtualHost: "/", user: "u"),
                #""step":"permissionsCleared","virtualHost":"/","user":"u""#
            ),
        ]
        for (step, expected) in steps {
            let lines = lines { $0.append(step) }
            #expect(lines == [place(#""stateChange""#) + ",\(expected)}"])
        }
    }

    /// All but the hash of a password.
    @Test func stepsOfUsersAndParametersAreDescribed() {
        var user = UserRecord(name: "u")
        user.passwordHash = Array("saltSECRET".utf8)
        user.tags = ["administrator"]
        user.limits.maxChannels = 3
        let name = ParameterName(component: "shovel", name: "s")
        let steps: [(AccessStep, String)] = [
            (
                .userSet(user),
                #""step":"userSet","user":"u","password":true,"hashing":"rabbit_password_hashing_sha256","#
                    + #""tags":["administrator"],"limits":{"max-channels":3}"#
            ),
            (.userRemoved("u"), #""step":"userRemoved","user":"u""#),
            (
                .topicPermissionsSet(
                    virtualHost: "/", user: "u", exchange: "e", TopicPermissions(write: "a", read: "")),
                #""step":"topicPermissionsSet","virtualHost":"/","user":"u","exchange":"e","#
                    + #""permissions":{"write":"a","read":""}"#
            ),
            (
                .topicPermissionsCleared(virtualHost: "/", user: "u", exchange: "e"),
                #""step":"topicPermissionsCleared","virtualHost":"/","user":"u","exchange":"e""#
            ),
            (
                .parameterSet(virtualHost: "/", name, .table(["a": .int64(1)])),
                #""step":"parameterSet","virtualHost":"/","component":"shovel","name":"s","value":{"a":1}"#
            ),
            (
                .parameterCleared(virtualHost: "/", name),
                #""step":"parameterCleared","virtualHost":"/","component":"shovel","name":"s""#
            ),
            (
                .globalParameterSet(name: "cluster_name", .string("meadow")),
                #""step":"globalParameterSet","name":"cluster_name","value":"meadow""#
            ),
            (.globalParameterCleared(name: "x"), #""step":"globalParameterCleared","name":"x""#),
        ]
        for (step, expected) in steps {
            let lines = lines { $0.append(TopologyStep.access(step)) }
            #expect(lines == [place(#""stateChange""#) + ",\(expected)}"])
        }
    }

    /// Names and tables as a hostile client may choose them.
    @Test func hostileNamesAndTablesAreJSON() throws {
        var nested = FieldValue.table([:])
        for _ in 0..<60 { nested = .table(FieldTable([.init(name: ShortString(bytes: [0x22, 0x5C]), value: nested)])) }
        let name = ShortString(bytes: (0...254).map { UInt8($0) })
        let controls = ShortString(bytes: (0...127).map { UInt8($0) })
        let many = (0..<5000).map {
            FieldTable.Entry(name: ShortString(truncating: "key\($0 / 2)"), value: .longString([UInt8($0 & 0xFF)]))
        }
        let entries: [FieldTable.Entry] =
            [.init(name: name, value: nested), .init(name: controls, value: .double(-.infinity))]
            + [.init(name: name, value: .float(.nan)), .init(name: "", value: .double(1e300))]
        let step = TopologyStep.exchangeDeclared(
            virtualHost: controls,
            DurableExchange(
                name: name, type: controls, isAutoDelete: false, isInternal: false,
                arguments: FieldTable(entries + many)))
        let line = try #require(lines { $0.append(step) }.first)
        #expect(!line.utf8.contains { $0 < 0x20 })
        let fields = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(fields["virtualHost"] as? String == controls.description)
        #expect((fields["arguments"] as? [String: Any])?.count == 2503)
    }

    @Test(arguments: [DumpedRecord.CRCState.headerDamaged, .payloadDamaged])
    func whatFailsItsCRCIsNotBelieved(crc: DumpedRecord.CRCState) {
        #expect(line(kind: 8, bytes: [1, 2], crc: crc) == place(#""stateChange""#, crc: crc.rawValue) + "}")
    }

    /// Whatever a payload says: a line, and nothing half said.
    @Test(arguments: 1...11 as ClosedRange<UInt8>)
    func payloadsOfAnyFormAreLines(kind: UInt8) {
        for count in 0...40 {
            for byte in [0, 1, 4, 127, 255] as [UInt8] {
                let line = line(kind: kind, bytes: [UInt8](repeating: byte, count: count))
                #expect(line.hasPrefix("{") && line.hasSuffix("}") && !line.contains("\n"))
                if line.contains("malformed") { #expect(line.hasSuffix(#""crc":"sound","malformed":true}"#)) }
            }
        }
    }
}

extension LaneBuffer {
    mutating func append(_ step: TopologyStep) {
        var bytes = OutboundBuffer()
        step.write(to: &bytes)
        appendStateChange(bytes.bytes)
        bytes.deallocate()
    }
}

@Suite struct JournalCheckTests {
    @Test func soundJournalIsSummedUp() throws {
        var check = JournalCheck()
        check.checkpoint = .init(generation: 12, position: 1_234_567)
        check.segmentCount = 3
        check.segmentByteCount = 96 << 20
        check.records = [
            .settlements: .init(count: 2, byteCount: 80), .message: .init(count: 1_234_567, byteCount: 2_000_000),
        ]
        check.topology = try DurableTopology(snapshot: nil, changes: [])
        check.topology?.apply(.virtualHostAdded("/"))
        check.liveMessageCount = 1
        check.liveByteCount = 300
        check.deadByteCount = 2_000_000
        #expect(check.isSound)
        #expect(
            check.text(path: "/data") == """
                journal     /data
                checkpoint  number 12, at position 1,234,567
                segments    3, 96.0 MiB
                topology    1 virtual host, 0 exchanges, 0 queues, 0 bindings
                live        1 message, 300 B
                dead        1.9 MiB
                records        1,234,569  1.9 MiB
                  message      1,234,567  1.9 MiB
                  settlements          2     80 B
                result      sound

                """)
    }

    @Test func damageIsNamedWithItsPlace() {
        var check = JournalCheck()
        check.topology = nil
        check.tornByteCount = 16
        check.add(
            .init(file: "segment-000001", offset: 8256, position: 64, reason: "the payload does not match its CRC"))
        check.add(.init(file: nil, offset: nil, position: nil, reason: "segment-000002 is missing\n"))
        #expect(!check.isSound)
        check.orphanCount = 1000
        #expect(
            check.text(path: "/data") == #"""
                journal     /data
                checkpoint  none
                segments    0, 0 B
                live        0 messages, 0 B
                orphans     1,000 messages of queues that are not in the topology: a broker's start drops them
                dead        0 B
                torn        16 B at the end, which nobody was told were safe
                records     0  0 B
                damage      2 places
                  segment-000001, offset 8256 (position 64): the payload does not match its CRC
                  segment-000002 is missing\u{A}
                result      damaged

                """#)
    }

    @Test func damageWithoutEndIsCounted() {
        var check = JournalCheck()
        for offset in 0..<1003 {
            check.add(.init(file: "segment-000001", offset: offset, position: nil, reason: "bad"))
        }
        let lines = check.text(path: "/data").split(separator: "\n")
        #expect(lines.contains("damage      1,003 places"))
        #expect(lines.suffix(2) == ["  and 3 more", "result      damaged"])
        #expect(lines.count < 1020)
    }

    @Test func progressIsToldOnceASecond() {
        let start = ContinuousClock.now
        var progress = WalkProgress(now: start)
        var lines: [String] = []
        for tenths in 0...35 {
            let now = start + .milliseconds(tenths * 100)
            if let line = progress.line(
                "checked", doneByteCount: tenths << 20, totalByteCount: 4000 << 20, now: now)
            {
                lines.append(line)
            }
        }
        #expect(lines == [10, 20, 30].map { "leveretctl: checked \($0) of 4,000 MiB" })
    }
}

@Suite struct NameTests {
    @Test func bytesThatAreNoTextAreHexadecimal() {
        var object = JSONObject()
        object.add("key", bytes: [0xFF, 0x0A])
        object.add("other", bytes: Array("q".utf8))
        #expect(object.compact == #"{"keyHex":"ff0a","other":"q"}"#)
    }
}
