import AMQPWire
import Testing

@testable import Broker

struct DeathTests {
    private func death(_ queue: ShortString, _ reason: DeathReason = .rejected, time: UInt64 = 100) -> Death {
        Death(queue: queue, reason: reason, exchange: "x", routingKeys: ["k"], time: time, originalExpiration: nil)
    }

    private func deaths(_ headers: FieldTable) -> [FieldTable] {
        guard case .array(let values)? = headers["x-death"] else { return [] }
        return values.compactMap { if case .table(let table) = $0 { table } else { nil } }
    }

    @Test func firstDeathHasRabbitMQsTypes() {
        let headers = death("q").record(in: ["own": .bool(true)])
        #expect(headers["own"] == .bool(true))
        #expect(
            deaths(headers) == [
                [
                    "count": .int64(1), "reason": .string("rejected"), "queue": .string("q"), "time": .timestamp(100),
                    "exchange": .string("x"), "routing-keys": .array([.string("k")]),
                ]
            ])
        for name in ["x-first-death", "x-last-death"] {
            #expect(headers[ShortString(truncating: "\(name)-queue")] == .string("q"))
            #expect(headers[ShortString(truncating: "\(name)-reason")] == .string("rejected"))
            #expect(headers[ShortString(truncating: "\(name)-exchange")] == .string("x"))
        }
    }

    @Test func sameQueueAndReasonCountUpAndComeToTheFront() {
        var headers = death("a").record(in: FieldTable())
        headers = death("b").record(in: headers)
        headers = death("a", time: 500).record(in: headers)
        #expect(deaths(headers).map { $0["queue"] } == [.string("a"), .string("b")])
        #expect(deaths(headers)[0]["count"] == .int64(2))
        #expect(deaths(headers)[0]["time"] == .timestamp(100))
        #expect(headers["x-first-death-queue"] == .string("a"))
        #expect(headers["x-last-death-queue"] == .string("a"))
    }

    @Test func anotherReasonIsAnotherDeath() {
        var headers = death("a").record(in: FieldTable())
        headers = death("a", .expired).record(in: headers)
        #expect(deaths(headers).map { $0["reason"] } == [.string("expired"), .string("rejected")])
        #expect(headers["x-first-death-reason"] == .string("rejected"))
        #expect(headers["x-last-death-reason"] == .string("expired"))
    }
}
