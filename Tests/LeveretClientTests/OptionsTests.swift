import Testing

@testable import LeveretClient

@Suite struct OptionsTests {
    @Test(arguments: [
        ("amqp://h", ConnectionOptions(host: "h")),
        ("amqp://", ConnectionOptions()),
        ("AMQP://guest:guest@127.0.0.1:5672/", ConnectionOptions()),
        ("amqp://h/%2f", ConnectionOptions(host: "h")),
        ("amqp://h//", ConnectionOptions(host: "h")),
        ("amqp://h/a%2Fb", ConnectionOptions(host: "h", virtualHost: "a/b")),
        ("amqp://h/%C3%BC", ConnectionOptions(host: "h", virtualHost: "ü")),
        (
            "amqp://us%3Aer:p%40ss:w%2F@h:1/v",
            ConnectionOptions(host: "h", port: 1, user: "us:er", password: "p@ss:w/", virtualHost: "v")
        ),
        ("amqp://user@h", ConnectionOptions(host: "h", user: "user")),
        ("amqp://user:@h", ConnectionOptions(host: "h", user: "user", password: "")),
        ("amqp://[::1]:5673/v", ConnectionOptions(host: "::1", port: 5673, virtualHost: "v")),
        ("amqp://[::1]", ConnectionOptions(host: "::1")),
        (
            "amqp://h/v?heartbeat=5&connection_name=my%20app&frame_max=8192&channel_max=7&unknown=1"
                + "&connection_timeout=2000",
            ConnectionOptions(
                host: "h", virtualHost: "v", heartbeatSeconds: 5, connectionName: "my app",
                connectTimeoutSeconds: 2, frameMax: 8192, channelMax: 7)
        ),
        ("amqp://h?heartbeat=0", ConnectionOptions(host: "h", heartbeatSeconds: 0)),
        ("amqp://h/v#fragment", ConnectionOptions(host: "h", virtualHost: "v")),
    ])
    func uriIsRead(uri: String, expected: ConnectionOptions) throws {
        #expect(try ConnectionOptions(uri: uri) == expected)
    }

    @Test(arguments: [
        "", "h", "http://h", "amqps://h", "amqp:/h", "amqp://h:0", "amqp://h:65536", "amqp://h:x", "amqp://h:-1",
        "amqp://h/a/b", "amqp://h/%", "amqp://h/%2", "amqp://h/%zz", "amqp://h/%FF", "amqp://[::1", "amqp://[::1]x",
        "amqp://h?heartbeat=", "amqp://h?heartbeat=-1", "amqp://h?heartbeat=65536", "amqp://u:secret%@h",
    ])
    func brokenURIIsRefusedWithoutShowingIt(uri: String) {
        let error = #expect(throws: LeveretError.self) { try ConnectionOptions(uri: uri) }
        #expect(error?.code == .invalidURI)
        #expect(error?.description.contains("secret") == false)
    }

    @Test(arguments: [
        ConnectionOptions(port: 0), ConnectionOptions(port: 70_000), ConnectionOptions(frameMax: 4095),
        ConnectionOptions(channelMax: 0), ConnectionOptions(messageSizeMax: -1),
        ConnectionOptions(connectTimeoutSeconds: 0),
        ConnectionOptions(virtualHost: String(repeating: "v", count: 256)),
        ConnectionOptions(user: String(repeating: "u", count: 3000)),
    ])
    func impossibleOptionsAreRefused(options: ConnectionOptions) {
        #expect(throws: LeveretError.self) { try options.check() }
    }
}

@Suite struct FieldTableTests {
    @Test func tableGoesToTheWireAndBack() throws {
        let table: FieldTable = [
            "text": "ü", "number": 5, "yes": true, "half": 0.5, "list": [1, "two"], "inner": ["a": 1],
            "bytes": .bytes([0xFF]), "none": .void, "time": .timestamp(7), "price": .decimal(scale: 2, value: 199),
        ]
        #expect(try FieldTable(table.wire()) == table)
    }

    @Test func firstOfEqualNamesCounts() {
        var table = FieldTable([.init(name: "a", value: 1), .init(name: "a", value: 2)])
        #expect(table["a"] == 1)
        table["a"] = 3
        #expect(table.entries.map { $0.value } == [3, 2])
        table["a"] = nil
        #expect(table.isEmpty)
        table["b"] = "new"
        #expect(table["b"]?.string == "new")
    }

    @Test func depthAndNamesAreBounded() throws {
        var value: FieldValue = 1
        for _ in 0..<63 { value = ["a": value] }
        _ = try FieldTable([.init(name: "a", value: value)]).wire()
        #expect(throws: LeveretError.self) { try FieldTable([.init(name: "a", value: ["a": value])]).wire() }
        var list: FieldValue = 1
        for _ in 0..<64 { list = [list] }
        #expect(throws: LeveretError.self) { try FieldTable([.init(name: "a", value: list)]).wire() }
        let long = String(repeating: "n", count: 256)
        #expect(throws: LeveretError.self) { try FieldTable([.init(name: long, value: 1)]).wire() }
        #expect(throws: LeveretError.self) { try MessageProperties(messageID: long).wire() }
    }
}

@Suite struct StreamBufferTests {
    @Test func elementsComeInOrderAndThenTheEnd() async throws {
        let buffer = StreamBuffer<Int>()
        for number in 0..<1000 { buffer.append(number) }
        buffer.finish(nil)
        #expect(!buffer.append(1000))
        for number in 0..<1000 { #expect(try await buffer.next() == number) }
        #expect(try await buffer.next() == nil)
    }

    @Test func errorComesAfterTheElements() async throws {
        let buffer = StreamBuffer<Int>()
        buffer.append(1)
        buffer.finish(.connectionLost)
        buffer.finish(nil)
        #expect(try await buffer.next() == 1)
        await #expect(throws: LeveretError.connectionLost) { try await buffer.next() }
    }

    @Test func oldestGoWhenThereIsNoRoom() async throws {
        let buffer = StreamBuffer<Int>(capacity: 2)
        for number in 0..<5 { buffer.append(number) }
        #expect(try await buffer.next() == 3)
        #expect(buffer.drain() == [4])
    }

    @Test func eachElementGoesToOneOfThoseWhoWait() async throws {
        let buffer = StreamBuffer<Int>()
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<10 { group.addTask { try await buffer.next() ?? 0 } }
            for number in 1...10 { buffer.append(number) }
            return try await group.reduce(0, +)
        }
        #expect(sum == 55)
    }

    @Test func cancelledTaskWaitsNoMore() async throws {
        let buffer = StreamBuffer<Int>()
        let task = Task { try await buffer.next() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        buffer.append(1)
        #expect(try await buffer.next() == 1)
    }
}
