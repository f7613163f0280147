import AMQPWire
import Broker
import JSON
import LeveretClient
import Node
import Testing

/// What a whole node says of itself, over sockets.
@Suite(.serialized) struct NodeStatisticsTests {
    @Test func theTotalsAreWhatClientsDid() async throws {
        try await TestNode.run { node in
            let connection = try await node.connect()
            let channel = try await connection.channel()
            let queue = try await channel.declareQueue("totals").name
            try await channel.enableConfirms()
            for number in 0..<10 { try await channel.publish(body: "\(number)", routingKey: queue) }
            try await channel.waitForConfirms()
            for _ in 0..<3 { _ = try await channel.get(queue: queue) }
            let totals = await node.node.statistics.totals(
                history: HistorySpan(ageMilliseconds: 60_000, incrementMilliseconds: 5000))
            #expect(totals.totals.sample.counters.publish == 10 && totals.totals.sample.counters.confirm == 10)
            #expect(totals.totals.sample.counters.deliverGet == 3)
            #expect(totals.totals.sample.readyCount == 7)
            #expect(totals.connectionCount == 1 && totals.channelCount == 1 && totals.queueCount == 1)
            #expect(totals.publisherCount == 1 && totals.exchangeCount > 6 && totals.consumerCount == 0)
            #expect(totals.totals.sample.churn.queuesCreated == 1 && totals.totals.sample.receivedByteCount > 0)
            let host = await node.node.statistics.totals(ofVirtualHost: "/")
            #expect(host?.sample.readyCount == 7 && host?.sample.counters.publish == 10)
            let nowhere = await node.node.statistics.totals(ofVirtualHost: "none")
            #expect(nowhere == nil)
            try await connection.close()
        }
    }

    /// The clock is the system's here, so only that a rate comes and goes is waited for.
    @Test func ratesComeByThemselves() async throws {
        try await TestNode.run({ $0.statisticsIntervalMilliseconds = 1000 }) { node in
            let connection = try await node.connect()
            let channel = try await connection.channel()
            let queue = try await channel.declareQueue("rates").name
            var rate = 0.0
            var objectRate = 0.0
            while rate == 0 || objectRate == 0 {
                for number in 0..<10 { try await channel.publish(body: "\(number)", routingKey: queue) }
                try await Task.sleep(for: .milliseconds(50))
                rate = await node.node.statistics.totals().totals.rates.messages.publish
                let address = node.node.administration.controlPlane.queueAddress("rates", virtualHost: "/")
                let snapshots = await node.node.administration.queueSnapshots(at: address.map { [$0] } ?? [])
                objectRate = snapshots.first??.rates.publish ?? 0
            }
            #expect(rate > 0 && objectRate > 0)
            try await connection.close()
        }
    }

    @Test func theProcessTellsWhatItUses() async throws {
        try await TestNode.run({ $0.diskFreeLimit = .bytes(1000) }) { node in
            let connection = try await node.connect()
            let channel = try await connection.channel()
            try await channel.declareQueue("durable")
            let process = node.node.statistics.processSnapshot
            #expect(process.processID > 1 && process.memoryUsedByteCount > 1 << 20)
            #expect(process.memoryLimitByteCount > 0 && process.diskFreeByteCount ?? 0 > 1000)
            #expect(process.diskFreeLimitByteCount == 1000 && !process.hasDiskAlarm && !process.hasMemoryAlarm)
            #expect(process.descriptorCount > 5 && process.descriptorLimit > process.descriptorCount)
            #expect(process.socketCount == 1 && process.threadCount > 2 && process.processorCount > 0)
            #expect(process.loopBusyPermille.count == 2 && process.journal.syncCount > 0)
            #expect(process.journal.writtenByteCount > 0 && process.journal.meanSyncMilliseconds > 0)
            #expect(process.journal.readCount == 0)
            try await connection.close()
        }
    }

    /// Messages that have left memory and come back are read from the disk, and so is said of queue and node.
    @Test(arguments: [false, true]) func whatIsReadBackIsCounted(isPersistent: Bool) async throws {
        try await TestNode.run({ $0.memoryLimit = .bytes(32 << 20) }) { node in
            let connection = try await node.connect()
            let channel = try await connection.channel()
            try await channel.declareQueue("deep")
            let body = [UInt8](repeating: 7, count: 64 << 10)
            let properties = MessageProperties(deliveryMode: isPersistent ? .persistent : .transient)
            var paged = 0
            while paged == 0 {
                for _ in 0..<64 { try await channel.publish(body: body, routingKey: "deep", properties: properties) }
                let queue = try await node.client.get("/api/queues/%2F/deep").json.object
                paged = queue?["messages_paged_out"]?.integer ?? 0
            }
            let deliveries = try await channel.consume(queue: "deep", options: ConsumeOptions(autoAck: true))
            var read = 0
            for try await _ in deliveries {
                let stats = try await node.client.get("/api/queues/%2F/deep").json.object?["message_stats"]?.object
                read = stats?["disk_reads"]?.integer ?? 0
                let written = stats?["disk_writes"]?.integer ?? 0
                #expect(written >= paged)
                if read > 0 { break }
            }
            let figures = try #require(try await node.client.get("/api/nodes").json.array?.first?.object)
            let readCount = try #require(figures["io_read_count"]?.integer)
            let readByteCount = try #require(figures["io_read_bytes"]?.integer)
            #expect(readCount > 0 && readByteCount >= read * body.count)
            guard case .double(let milliseconds)? = figures["io_read_avg_time"] else {
                return #expect(Bool(false), "there is no mean time")
            }
            #expect(milliseconds > 0)
            try await connection.close()
        }
    }
}
