import AMQPWire
import JSON
import NIOCore
import Node
import Synchronization
import Testing

@testable import Management

/// Answers that are long, and clients that take them slowly.
@Suite struct LongAnswerTests {
    /// Counts what it is asked for.
    private final class CountedSource: ListSource {
        struct Object: JSONWritable {
            let number: Int

            func write(to builder: inout JSONObjectBuilder) {
                builder.add("number", number)
                builder.add("text", .string(String(repeating: "x", count: 1000)))
            }
        }

        static let isLong = true
        let count: Int
        let asked = Mutex(0)

        init(count: Int) { self.count = count }

        func keys() async -> [Int] { Array(0..<count) }
        func name(of key: Int) -> [UInt8] { Array("\(key)".utf8) }
        func objects(_ keys: ArraySlice<Int>, _ columns: Columns) async -> [Object?] {
            asked.withLock { $0 += keys.count }
            return keys.map { $0 % 7 == 3 ? nil : Object(number: $0) }
        }
    }

    /// How many of something there were at most.
    private final class Peak: Sendable {
        private let state = Mutex((now: 0, most: 0))

        var most: Int { state.withLock { $0.most } }
        func add(_ count: Int) { state.withLock { $0 = ($0.now + count, max($0.most, $0.now + count)) } }
        func note(_ count: Int) { state.withLock { $0.most = max($0.most, count) } }
    }

    @Test func nothingIsAskedForThatTheClientHasNoRoomFor() async throws {
        let source = CountedSource(count: 5000)
        var sent: [UInt8] = []
        var askedBefore: [Int] = []
        let stream = ResponseStream { piece in
            askedBefore.append(source.asked.withLock { $0 })
            // At most one step is there when a piece goes out, and a piece holds a quarter of a step.
            #expect(askedBefore.last! <= sent.count / 1000 * 7 / 6 + ManagementRequest.stepCount + 40)
            sent += piece.readableBytesView
        }
        try await stream.write("[")
        try await ManagementRequest.write(try ListQuery(Query()), source, to: stream)
        try await stream.write("]")
        try await stream.flush()
        #expect(askedBefore.count > 100 && askedBefore.first == ManagementRequest.stepCount)
        let items = try #require(try JSONParser.parse(sent).array)
        #expect(items.compactMap { $0.object?["number"]?.integer } == (0..<5000).filter { $0 % 7 != 3 })
    }

    @Test func aListYieldsBetweenItsSteps() async throws {
        var yielded = 0
        for count in [0, 128, 129, 1000] {
            yielded = 0
            try await ManagementRequest.write(
                try ListQuery(Query()), CountedSource(count: count), to: ResponseStream { _ in }
            ) { yielded += 1 }
            #expect(yielded == max(0, (count - 1) / ManagementRequest.stepCount))
        }
        // Whoever is given up meanwhile asks the shards for nothing more.
        let source = CountedSource(count: 1000)
        await #expect(throws: CancellationError.self) {
            try await ManagementRequest.write(try ListQuery(Query()), source, to: ResponseStream { _ in }) {
                throw CancellationError()
            }
        }
        #expect(source.asked.withLock { $0 } == ManagementRequest.stepCount)
    }

    @Test func aClientThatIsTooSlowIsGivenUp() async throws {
        let source = CountedSource(count: 100_000)
        var now = ContinuousClock.now
        var pieceCount = 0
        let stream = ResponseStream(clock: { now }) { piece in
            // Two seconds for 32 KiB are just enough for ever; a minute more is not.
            pieceCount += 1
            now += .milliseconds(pieceCount > 100 ? 61_000 : 1900)
        }
        let query = try ListQuery(Query())
        await #expect(throws: ResponseStream.ClientTooSlow.self) {
            try await ManagementRequest.write(query, source, to: stream)
        }
        #expect((101...103).contains(pieceCount))
        #expect(source.asked.withLock { $0 } < 5000)
    }

    @Test func onlySoManyLongAnswersAreMadeAtOnce() async {
        let slots = AnswerSlots(count: 2)
        let running = Peak()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    // Who fails gives the place back, too.
                    try? await slots.withSlot {
                        running.add(1)
                        await Task.yield()
                        running.add(-1)
                        if number % 5 == 0 { throw CancellationError() }
                    }
                }
            }
        }
        #expect(running.most <= 2 && slots.waitingCount == 0)
        await slots.withSlot {}
    }

    /// Both forms of an answer say the same.
    @Test(arguments: [
        nil, "number", "text,number", "stats.rate", "stats.rate,list", "stats", "list", "nothing", "",
    ])
    func textAndValueAreTheSame(columns: String?) throws {
        struct Item: JSONWritable {
            func write(to builder: inout JSONObjectBuilder) {
                builder.add("number", -12)
                builder.add("text", .string("a\"b\\c\u{1}\u{7F}\né"))
                builder.add("name", ShortString(truncating: "naïve"))
                builder.add("flag", true)
                builder.add("double", 0.1)
                builder.add("count", 3.0)
                builder.add("none", JSONValue.null)
                builder.add("at", milliseconds: 1_795_264_496_789)
                builder.addObject("stats") { stats in
                    stats.add("rate", 1.5)
                    stats.addObject("deep") { $0.add("x", Double.nan) }
                }
                builder.addObject("empty") { _ in }
                builder.addObjects("list", [["a": 1, "b": [2]], ["a": nil]] as [JSONObject], .all)
            }
        }
        let columns = Columns(columns)
        var text: [UInt8] = []
        JSONObjectBuilder.write(Item(), columns, to: &text)
        let value = Item().object(columns)
        #expect(
            String(decoding: text, as: UTF8.self) == String(decoding: JSONValue.object(value).encoded, as: UTF8.self))
        let whole = try JSONParser.parse(text)
        let all = try #require(try JSONParser.parse(JSONValue.object(Item().object()).encoded).object)
        #expect(whole == .object(columns.project(all)))
        if text.count > 300 { #expect(whole.object?["at"] == "2026-11-21T12:34:56.789+00:00") }
    }

    @Test(arguments: [
        (0.0, "0.0"), (-0.0, "-0.0"), (12.0, "12.0"), (-7.0, "-7.0"), (0.25, "0.25"), (1e300, "1e+300"),
        (9_007_199_254_740_991, "9007199254740991.0"), (.infinity, "null"),
    ])
    func numbersAreWrittenAsBefore(value: Double, text: String) {
        #expect(JSONValue.double(value).encoded == Array(text.utf8))
    }

    @Test(arguments: [0, 7, -7, 10, 1234567890, Int.max, Int.min])
    func integersAreWritten(value: Int) {
        #expect(JSONValue.integer(value).encoded == Array(String(value).utf8))
    }

    /// Guessing takes its time, but those who guess take only so many places.
    @Test func onlySoManyRefusedLoginsWait() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let administration = node.node.administration
            let limit = Administration.waitingRefusalLimit
            let waiting = Peak()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<limit + 20 {
                    group.addTask {
                        var stranger = node.client
                        stranger.password = "wrong"
                        let status = try await stranger.get("/api/whoami").status
                        waiting.note(administration.waitingRefusalCount)
                        return status
                    }
                }
                for try await status in group { #expect(status == 401) }
            }
            #expect(waiting.most <= limit && administration.waitingRefusalCount == 0)
            #expect(try await node.client.get("/api/whoami").status == 200)
        }
    }

    /// The order of names is kept from one request to the next, and forgotten when one comes or goes.
    @Test func aListSeesQueuesComeAndGo() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            func names(_ path: String) async throws -> [String] {
                let json = try await node.client.get(path).json
                return (json.array ?? json.object?["items"]?.array ?? []).compactMap { $0.object?["name"]?.string }
            }
            _ = try await node.client.put("/api/vhosts/other")
            for name in ["b", "a", "d"] { _ = try await node.client.put("/api/queues/%2F/\(name)") }
            _ = try await node.client.put("/api/queues/other/c")
            #expect(try await names("/api/queues/%2F") == ["a", "b", "d"])
            #expect(try await names("/api/queues/%2F?page=1&page_size=2") == ["a", "b"])
            #expect(try await names("/api/queues").sorted() == ["a", "b", "c", "d"])
            _ = try await node.client.put("/api/queues/%2F/aa")
            #expect(try await names("/api/queues/%2F") == ["a", "aa", "b", "d"])
            #expect(try await node.client.send("DELETE", "/api/queues/%2F/b").status == 204)
            #expect(try await names("/api/queues/%2F") == ["a", "aa", "d"])
            #expect(try await node.client.send("DELETE", "/api/vhosts/other").status == 204)
            _ = try await node.client.put("/api/vhosts/other")
            #expect(try await names("/api/queues/other") == [])
        }
    }
}
