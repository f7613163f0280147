import AMQPWire
import Testing

@testable import Broker

struct QueueArgumentsTests {
    private let resource = ResourceName(kind: .queue, name: "q", virtualHost: "/")

    private func parse(_ table: FieldTable) throws -> QueueArguments { try QueueArguments(table, resource: resource) }

    @Test func everyArgumentIsRead() throws {
        let classic = try parse([
            "x-message-ttl": .int32(0), "x-expires": .int64(5), "x-max-length": .uint8(7),
            "x-max-length-bytes": .int64(8), "x-overflow": .string("reject-publish-dlx"),
            "x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string("k"),
            "x-max-priority": .int16(255), "x-single-active-consumer": .bool(true), "x-delivery-limit": .int32(3),
            "x-consumer-timeout": .uint32(9), "x-message-deduplication": .bool(true), "x-durability": .string("flush"),
            "x-queue-mode": .string("lazy"), "x-queue-version": .int32(2), "x-unknown": .void,
            "x-queue-leader-locator": .string("client-local"),
        ])
        var expected = QueueArguments()
        expected.messageTTLMilliseconds = 0
        expected.expiresMilliseconds = 5
        expected.maxLength = 7
        expected.maxLengthBytes = 8
        expected.overflow = .rejectPublishDLX
        expected.deadLetterExchange = ""
        expected.deadLetterRoutingKey = "k"
        expected.maxPriority = 255
        expected.isSingleActiveConsumer = true
        expected.deliveryLimit = 3
        expected.consumerTimeoutMilliseconds = 9
        expected.deduplicates = true
        expected.durability = .flush
        #expect(classic == expected)
        #expect(try parse(FieldTable()) == QueueArguments())
    }

    @Test func quorumQueuesHaveADeliveryLimit() throws {
        #expect(try parse(["x-queue-type": .string("quorum")]).deliveryLimit == 20)
        #expect(try parse(["x-queue-type": .string("quorum"), "x-delivery-limit": .int32(-1)]).deliveryLimit == nil)
        #expect(try parse(["x-queue-type": .string("quorum"), "x-delivery-limit": .int32(0)]).deliveryLimit == 0)
        #expect(try parse(["x-queue-type": .string("classic")]).deliveryLimit == nil)
    }

    @Test func quorumQueuesTakeTheirOwnArguments() throws {
        let quorum = try parse([
            "x-queue-type": .string("quorum"), "x-dead-letter-strategy": .string("at-least-once"),
            "x-dead-letter-exchange": .string("dlx"), "x-overflow": .string("reject-publish"),
            "x-quorum-initial-group-size": .int32(3), "x-max-in-memory-length": .int32(3),
            "x-delayed-retry-type": .string("failed"), "x-delayed-retry-min": .int32(100),
        ])
        #expect(quorum.queueType == .quorum)
        #expect(quorum.deadLetterStrategy == .atLeastOnce)
        #expect(
            quorum.delayedRetry
                == DelayedRetry(kind: .failed, minimumMilliseconds: 100, maximumMilliseconds: 100))
    }

    /// RabbitMQ 4 warns, and goes on without.
    @Test func quorumQueuesGiveUpWhatDoesNotGoTogether() throws {
        let quorum: FieldTable = ["x-queue-type": .string("quorum")]
        func parse(_ more: FieldTable) throws -> QueueArguments {
            try self.parse(FieldTable(quorum.entries + more.entries))
        }
        #expect(try parse(["x-overflow": .string("reject-publish-dlx")]).overflow == .dropHead)
        #expect(try parse(["x-overflow": .string("reject-publish")]).overflow == .rejectPublish)
        let strategy: FieldTable = [
            "x-dead-letter-strategy": .string("at-least-once"), "x-dead-letter-exchange": .string("dlx"),
        ]
        #expect(try parse(strategy).deadLetterStrategy == .atMostOnce)
    }

    @Test func aTimeBeyondAllMeasureDoesNotOverflow() throws {
        #expect(try parse(["x-consumer-timeout": .int64(.max)]).consumerTimeoutMilliseconds == 1 << 50)
    }

    /// The reasons as RabbitMQ prints them.
    @Test(
        arguments: [
            ("x-message-ttl", .int32(-5), "{value_negative,-5}"),
            ("x-message-ttl", .string("5"), "\"expected integer, got longstr\""),
            ("x-message-ttl", .timestamp(5), "\"expected integer, got timestamp\""),
            ("x-message-ttl", .int64(315_360_000_001), "{value_too_large,315360000001}"),
            ("x-expires", .int64(.max), "{value_too_large,9223372036854775807}"),
            ("x-expires", .int32(0), "{value_zero,0}"),
            ("x-expires", .int64(-1), "{value_negative,-1}"),
            ("x-max-length", .int32(-5), "{value_negative,-5}"),
            ("x-max-length", .double(1), "\"expected integer, got double\""),
            ("x-max-length-bytes", .int64(.min), "{value_negative,-9223372036854775808}"),
            ("x-max-priority", .int32(256), "{max_value_exceeded,256}"),
            ("x-max-priority", .int32(-1), "{value_negative,-1}"),
            ("x-overflow", .string("drop-tail"), "invalid_overflow"),
            ("x-overflow", .bool(true), "{unacceptable_type,bool}"),
            ("x-queue-mode", .string("eager"), "\"unsupported queue mode 'eager'\""),
            ("x-queue-version", .int32(3), "\"unsupported queue version '3'\""),
            ("x-queue-leader-locator", .string("here"), "invalid_queue_locator_arg"),
            ("x-single-active-consumer", .string("true"), "{unacceptable_type,longstr}"),
            ("x-dead-letter-routing-key", .string("k"), "routing_key_but_no_dlx_defined"),
            ("x-dead-letter-routing-key", .int8(1), "{unacceptable_type,byte}"),
            ("x-queue-type", .string("fo\"o"), "\"unsupported queue type 'fo\\\"o'\""),
            ("x-queue-type", .string("stream"), "\"streams are not available in this version\""),
            ("x-queue-type", .int32(1), "{unacceptable_type,signedint}"),
            ("x-delivery-limit", .string("1"), "\"expected integer, got longstr\""),
            ("x-consumer-timeout", .int32(0), "{value_zero,0}"),
            ("x-message-deduplication", .int32(1), "{unacceptable_type,signedint}"),
            ("x-durability", .string("none"), "not sync, flush or memory"),
        ] as [(ShortString, FieldValue, String)])
    func argumentValidation(_ key: ShortString, _ value: FieldValue, _ reason: String) {
        #expect(throws: ProtocolError.invalidArgument(key, resource, reason: reason)) {
            try parse(FieldTable([FieldTable.Entry(name: key, value: value)]))
        }
    }

    @Test(
        arguments: [
            ("x-quorum-initial-group-size", .int32(0), "{value_zero,0}"),
            ("x-dead-letter-strategy", .string("never"), "invalid_dlx_strategy"),
            ("x-max-in-memory-bytes", .int32(-1), "{value_negative,-1}"),
            ("x-delayed-retry-type", .string("some"), "invalid_delayed_retry_type"),
            ("x-delayed-retry-min", .int32(-1), "{value_negative,-1}"),
        ] as [(ShortString, FieldValue, String)])
    func argumentValidationOfQuorumQueues(_ key: ShortString, _ value: FieldValue, _ reason: String) {
        #expect(throws: ProtocolError.invalidArgument(key, resource, reason: reason)) {
            try parse(
                FieldTable([
                    FieldTable.Entry(name: key, value: value),
                    FieldTable.Entry(name: "x-queue-type", value: .string("quorum")),
                ]))
        }
    }

    @Test(
        arguments: [
            ("classic", "x-dead-letter-strategy"), ("classic", "x-quorum-initial-group-size"),
            ("classic", "x-max-in-memory-length"), ("classic", "x-max-age"), ("classic", "x-initial-cluster-size"),
            ("classic", "x-delayed-retry-type"),
            ("quorum", "x-queue-mode"), ("quorum", "x-queue-version"), ("quorum", "x-max-priority"),
            ("quorum", "x-max-age"), ("quorum", "x-durability"), ("quorum", "x-stream-max-segment-size-bytes"),
        ] as [(String, ShortString)])
    func argumentsOfAnotherTypeAreRefused(_ type: String, _ key: ShortString) throws {
        // The value is not looked at.
        let table: FieldTable = ["x-queue-type": .string(type), "x-spare": .void]
        let error = #expect(throws: ProtocolError.self) {
            try parse(FieldTable(table.entries + [FieldTable.Entry(name: key, value: .void)]))
        }
        #expect(
            error?.replyText.description == "PRECONDITION_FAILED - invalid arg '\(key)' for queue 'q' in vhost '/' of "
                + "queue type rabbit_\(type)_queue")
    }
}
