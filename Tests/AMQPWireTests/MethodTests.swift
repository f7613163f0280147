import AMQPWire
import Testing

@Suite struct MethodTests {
    @Test func samplesCoverEveryMethodInOrder() {
        #expect(MethodSamples.all.map(\.name) == Method.all.map(\.name))
        #expect(MethodSamples.all.map(\.classID) == Method.all.map(\.classID))
        #expect(MethodSamples.all.map(\.methodID) == Method.all.map(\.methodID))
    }

    @Test func noFieldOfASampleHasItsDefault() throws {
        for method in MethodSamples.all {
            let arguments = try #require(Mirror(reflecting: method).children.first).value
            for field in Mirror(reflecting: arguments).children {
                #expect(!isDefault(field.value), "\(method.name), \(field.label ?? "")")
            }
        }
    }

    private func isDefault(_ value: Any) -> Bool {
        switch value {
        case let flag as Bool: !flag
        case let number as any FixedWidthInteger: "\(number)" == "0"
        case let text as ShortString: text.isEmpty
        case let bytes as [UInt8]: bytes.isEmpty
        case let table as FieldTable: table.isEmpty
        default: true
        }
    }

    @Test(arguments: MethodSamples.all.indices)
    func methodComesBackAsItWasWritten(index: Int) throws {
        let method = MethodSamples.all[index]
        let bytes = payload(of: method)
        #expect(Array(bytes[..<2]) == [0, UInt8(method.classID)])
        #expect(Array(bytes[2..<4]) == [0, UInt8(method.methodID)])
        #expect(try decodeMethod(bytes) == method)
    }

    @Test(arguments: MethodSamples.all.indices)
    func everyTruncationIsRefused(index: Int) {
        let bytes = payload(of: MethodSamples.all[index])
        for length in bytes.indices {
            #expect(throws: WireError.truncated) { try decodeMethod(Array(bytes[..<length])) }
        }
    }

    @Test(arguments: MethodSamples.all.indices)
    func bytesBehindTheLastArgumentAreRefused(index: Int) {
        #expect(throws: WireError.trailingBytes) { try decodeMethod(payload(of: MethodSamples.all[index]) + [0]) }
    }

    @Test func everyFlagHasItsOwnBit() throws {
        // One flag at a time: a swapped pair of bits would pass a round trip with all of them set.
        let declares = [
            QueueDeclare(passive: true), QueueDeclare(durable: true), QueueDeclare(exclusive: true),
            QueueDeclare(autoDelete: true), QueueDeclare(noWait: true),
        ]
        for (bit, declare) in declares.enumerated() {
            let expected: [UInt8] = [0, 50, 0, 10, 0, 0, 0, 1 << UInt8(bit), 0, 0, 0, 0]
            #expect(payload(of: .queueDeclare(declare)) == expected)
            #expect(try decodeMethod(expected) == .queueDeclare(declare))
        }
    }

    @Test func unknownNumbersAreRefused() {
        let numbers: [(UInt8, UInt8)] = [(10, 12), (20, 0), (40, 50), (60, 121), (70, 10), (0, 0), (80, 10)]
        for (classID, methodID) in numbers {
            #expect(throws: WireError.unknownMethod(classID: UInt16(classID), methodID: UInt16(methodID))) {
                try decodeMethod([0, classID, 0, methodID])
            }
        }
        #expect(throws: WireError.unknownMethod(classID: 0x0A00, methodID: 10)) { try decodeMethod([10, 0, 0, 10]) }
    }

    @Test func reservedFieldsAreReadAndDropped() throws {
        // connection.open with known-hosts and insist of AMQP 0-8.
        let open: [UInt8] = [0, 10, 0, 40, 1] + ascii("/") + [3] + ascii("abc") + [1]
        #expect(try decodeMethod(open) == .connectionOpen(ConnectionOpen(virtualHost: "/")))
        // A ticket where it used to be.
        let get: [UInt8] = [0, 60, 0, 70, 0, 1, 1] + ascii("q") + [0]
        #expect(try decodeMethod(get) == .basicGet(BasicGet(queue: "q")))
    }

    @Test func unusedBitsAreIgnored() throws {
        #expect(
            try decodeMethod([0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 1, 0xFE])
                == .basicAck(BasicAck(deliveryTag: 1, multiple: false)))
    }

    @Test func descriptionsSayWhoReceivesWhat() throws {
        let descriptions = Dictionary(uniqueKeysWithValues: Method.all.map { ($0.name, $0) })
        #expect(descriptions.count == 66)
        let withContent = Method.all.filter(\.hasContent).map(\.name)
        #expect(withContent == ["basic.publish", "basic.return", "basic.deliver", "basic.get-ok"])
        for description in Method.all {
            #expect(description.serverReceives || description.clientReceives)
            for response in description.responses {
                let answer = try #require(descriptions[response])
                #expect(!description.serverReceives || answer.clientReceives, "\(description.name)")
                #expect(!description.clientReceives || answer.serverReceives, "\(description.name)")
            }
        }
        let secret = try #require(descriptions["connection.update-secret"])
        #expect(secret.serverReceives && !secret.clientReceives)
        #expect(descriptions["basic.get"]?.responses == ["basic.get-ok", "basic.get-empty"])
        #expect(descriptions["basic.recover"]?.responses == ["basic.recover-ok"])
        #expect(descriptions["basic.deliver"]?.serverReceives == false)
        #expect(descriptions["basic.publish"]?.clientReceives == false)
    }
}

@Suite struct ReplyCodeTests {
    @Test func codesHaveTheirNumbersAndNames() {
        let codes = ReplyCode.allCases.map { ($0.rawValue, $0.name) }
        let expected: [(UInt16, String)] = [
            (200, "REPLY_SUCCESS"), (311, "CONTENT_TOO_LARGE"), (312, "NO_ROUTE"), (313, "NO_CONSUMERS"),
            (320, "CONNECTION_FORCED"), (402, "INVALID_PATH"), (403, "ACCESS_REFUSED"), (404, "NOT_FOUND"),
            (405, "RESOURCE_LOCKED"), (406, "PRECONDITION_FAILED"), (501, "FRAME_ERROR"), (502, "SYNTAX_ERROR"),
            (503, "COMMAND_INVALID"), (504, "CHANNEL_ERROR"), (505, "UNEXPECTED_FRAME"), (506, "RESOURCE_ERROR"),
            (530, "NOT_ALLOWED"), (540, "NOT_IMPLEMENTED"), (541, "INTERNAL_ERROR"),
        ]
        #expect(codes.elementsEqual(expected, by: ==))
    }

    @Test func hardErrorsCloseTheConnection() {
        let hard = ReplyCode.allCases.filter(\.closesConnection).map(\.rawValue)
        #expect(hard == [320, 402, 501, 502, 503, 504, 505, 506, 530, 540, 541])
    }
}
