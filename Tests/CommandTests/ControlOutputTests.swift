import Journal
import Testing

@testable import leveretctl

@Suite struct DumpedRecordTests {
    /// The lines of a buffer's records.
    private func lines(_ fill: (inout LaneBuffer) -> Void) -> [String] {
        var buffer = LaneBuffer()
        fill(&buffer)
        defer { buffer.deallocate() }
        let bytes = UnsafeRawBufferPointer(buffer.bytes)
        var lines: [String] = []
        var offset = 0
        while offset < bytes.count {
            let payload = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            let start = offset + Record.headerByteCount
            lines.append(
                line(kind: bytes[offset + 4], payload: UnsafeRawBufferPointer(rebasing: bytes[start..<start + payload]))
            )
            offset += Record.byteCount(payload: payload)
        }
        return lines
    }

    private func line(
        kind: UInt8, payload: UnsafeRawBufferPointer, crc: DumpedRecord.CRCState = .sound
    ) -> String {
        DumpedRecord(
            position: 64, file: "segment-000001", offset: 8256, kind: kind, byteCount: 40, crc: crc, payload: payload
        ).line
    }

    private func line(kind: UInt8, bytes: [UInt8], crc: DumpedRecord.CRCState = .sound) -> String {
        bytes.withUnsafeBytes { line(kind: kind, payload: $0, crc: crc) }
    }

    private func place(_ kind: String, crc: String = "sound") -> String {
        #"{"position":64,"file":"segment-000001","offset":8256,"kind":\#(kind),"byteCount":40,"crc":"\#(crc)""#
    }

    /// A message to exchange `x` with key `k`: head, addressing, two bytes of properties, three of body.
    private static let content: [UInt8] =
        [1, 0, 0, 0, 0, 1, 4, 0, 2, 0, 0, 0, 3, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        + [1, UInt8(ascii: "x"), 1, UInt8(ascii: "k"), 0, 0, 1, 2, 3]

    private static let message =
        #""contentByteCount":33,"message":{"exchange":"x","routingKey":"k","persistent":true,"#
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
            lines == [place(#""message""#) + #","id":64,"lane":0,"sequence":1,"holders":[7],"contentByteCount":3}"#])
    }

    @Test func otherRecordsAreDescribed() {
        let lines = lines { buffer in
            buffer.appendSettlement(id: 1, holder: 2)
            buffer.appendSettlement(id: 3, holder: 4)
            buffer.appendDeliveryMark(holder: 5, lane: 6, sequence: 7)
            buffer.appendDelivered(holder: 8, ids: [9, UInt64.max])
            buffer.appendHolderRemoved(10)
            ([0xAB, 0x01] as [UInt8]).withUnsafeBytes { buffer.appendStateChange($0) }
        }
        #expect(
            lines == [
                place(#""settlements""#) + #","settlements":[{"id":1,"holder":2},{"id":3,"holder":4}]}"#,
                place(#""deliveryMark""#) + #","holder":5,"lane":6,"sequence":7}"#,
                place(#""delivered""#) + #","holder":8,"ids":[9,18446744073709551615]}"#,
                place(#""holderRemoved""#) + #","holder":10}"#,
                place(#""stateChange""#) + #","bytes":"ab01"}"#,
            ])
    }

    @Test func movedMessagesAndFramesOfTheLogAreDescribed() {
        let number: [UInt8] = [9, 0, 0, 0, 0, 0, 0, 0]
        let moved: [UInt8] = [64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + number
        #expect(
            line(kind: 4, bytes: moved) == place(#""moved""#)
                + #","id":64,"lane":0,"sequence":1,"order":9,"holders":[],"contentByteCount":0}"#)
        #expect(line(kind: 1, bytes: number) == place(#""batch""#) + #","synced":9}"#)
        #expect(line(kind: 11, bytes: []) == place(#""end""#) + "}")
        #expect(line(kind: 99, bytes: [1]) == place("99") + "}")
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

@Suite struct JournalCheckTests {
    @Test func soundJournalIsSummedUp() {
        var check = JournalCheck()
        check.recordCounts = [.settlements: 2, .message: 10]
        check.liveMessageCount = 3
        check.liveByteCount = 300
        check.deadByteCount = 700
        #expect(check.isSound)
        #expect(
            check.text(path: "/data") == """
                journal      /data
                records      12
                  message         10
                  settlements     2
                live         3 messages, 300 bytes
                dead         700 bytes
                quarantined  0
                result       sound

                """)
    }

    @Test func damageIsNamedWithItsPlace() {
        var check = JournalCheck()
        check.tornByteCount = 16
        check.damage = [
            JournalCheck.Damage(
                file: "segment-000001", offset: 8256, position: 64, reason: "the payload does not match its CRC"),
            JournalCheck.Damage(file: "segment-000002", offset: nil, position: nil, reason: "missing\n"),
        ]
        #expect(!check.isSound)
        #expect(
            check.text(path: "/data") == #"""
                journal      /data
                records      0
                live         0 messages, 0 bytes
                dead         0 bytes
                torn         16 bytes at the end, which nobody was told were safe
                quarantined  2
                  segment-000001, offset 8256 (position 64): the payload does not match its CRC
                  segment-000002: missing\u{A}
                result       damaged

                """#)
    }

    @Test func progressIsToldOnceASecond() {
        let start = ContinuousClock.now
        var progress = WalkProgress(verb: "checked", now: start)
        var lines: [String] = []
        for tenths in 0...35 {
            let now = start + .milliseconds(tenths * 100)
            let line = progress.line(doneByteCount: tenths << 20, totalByteCount: 40 << 20, now: now)
            if let line { lines.append(line) }
        }
        #expect(lines == [10, 20, 30].map { "leveretctl: checked \($0) of 40 MiB" })
    }
}

@Suite struct JSONLineTests {
    @Test(arguments: [
        ("plain", #""plain""#), ("\"\\\n\u{0}\u{1B}\u{7F}", #""\"\\\u000a\u0000\u001b\u007f""#),
        ("Häsin\u{2028}", #""Häsin\u2028""#),
    ])
    func textIsEscaped(text: String, json: String) {
        var line = JSONLine()
        line.add("a", text)
        #expect(line.text == "{\"a\":\(json)}")
    }

    @Test func bytesThatAreNoTextAreHexadecimal() {
        var line = JSONLine()
        line.add("key", bytes: [0xFF, 0x0A])
        line.add("other", bytes: Array("q".utf8))
        #expect(line.text == #"{"keyHex":"ff0a","other":"q"}"#)
    }
}
