import Management
import Testing

/// The text format itself, version 0.0.4.
struct ExpositionTests {
    private func text(_ page: MetricsPage) -> String {
        var page = page
        var bytes: [UInt8] = []
        while let piece = page.nextPiece() { bytes += piece }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func aFamilyIsHelpTypeAndSamples() {
        var page = MetricsPage()
        page.append(
            MetricFamily("messages_total", .counter, "All messages"),
            [
                .init(["protocol": "amqp091"], 3),
                .init(["protocol": "amqp091", "queue_type": "rabbit_classic_queue"], 12_345_678_901),
            ])
        page.append(MetricFamily("queues", .gauge, "Queues"), 0)
        #expect(
            text(page) == """
                # HELP rabbitmq_messages_total All messages
                # TYPE rabbitmq_messages_total counter
                rabbitmq_messages_total{protocol="amqp091"} 3
                rabbitmq_messages_total{protocol="amqp091",queue_type="rabbit_classic_queue"} 12345678901
                # HELP rabbitmq_queues Queues
                # TYPE rabbitmq_queues gauge
                rabbitmq_queues 0

                """)
    }

    @Test func helpIsEscaped() {
        var page = MetricsPage()
        page.append(MetricFamily("x", .gauge, "a \\ and\na \"line\""), 1)
        #expect(text(page).hasPrefix("# HELP rabbitmq_x a \\\\ and\\na \"line\"\n# TYPE"))
    }

    @Test(arguments: [
        (0.5, "0.5"), (-2, "-2"), (1e-5, "1e-05"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
        (Double.greatestFiniteMagnitude, "1.7976931348623157e+308"), (9_007_199_254_740_991, "9007199254740991"),
        (0x1p64, "1.8446744073709552e+19"), (1_792_000_000.25, "1792000000.25"),
    ])
    func valuesAreNumbersThatPrometheusReads(value: Double, expected: String) {
        var page = MetricsPage()
        page.append(MetricFamily("x", .gauge, "x"), value)
        #expect(text(page).split(separator: "\n").last == "rabbitmq_x \(expected)")
    }

    @Test(arguments: [
        (Array("orders".utf8), "orders"), (Array(#"a\b"c"#.utf8), #"a\\b\"c"#), (Array("a\nb\tc".utf8), "a\\nb\tc"),
        (Array("überlauf 🐇".utf8), "überlauf 🐇"), ([0x61, 0xFF, 0x62], "a\u{FFFD}ffb"),
        // An overlong form, half a surrogate pair, and characters that end too early.
        ([0xC0, 0x80], "\u{FFFD}c0\u{FFFD}80"), ([0xED, 0xA0, 0x80], "\u{FFFD}ed\u{FFFD}a0\u{FFFD}80"),
        ([0xF0, 0x9F, 0x90], "\u{FFFD}f0\u{FFFD}9f\u{FFFD}90"), ([0xE2, 0x22], "\u{FFFD}e2\\\""), ([], ""),
    ])
    func labelValuesAreEscapedAndAlwaysUnicode(bytes: [UInt8], expected: String) {
        var labels = MetricLabels()
        labels.append("queue", bytes)
        #expect(String(validating: labels.bytes, as: UTF8.self) == "queue=\"\(expected)\"")
    }

    @Test func aTableIsWrittenFamilyByFamily() {
        let columns: [MetricColumn<Int>] = [
            MetricColumn("ready", .gauge, "Ready") { Double($0) },
            MetricColumn("age", .gauge, "Age") { $0 == 1 ? .nan : Double($0) / 2 },
        ]
        var table = MetricTable(families: columns.map(\.family))
        for object in 0..<3 {
            table.append(object, labels: ["queue": "q\(object)"], columns: columns)
        }
        var page = MetricsPage()
        page.append(table, prefix: .detailed)
        #expect(
            text(page) == """
                # HELP rabbitmq_detailed_ready Ready
                # TYPE rabbitmq_detailed_ready gauge
                rabbitmq_detailed_ready{queue="q0"} 0
                rabbitmq_detailed_ready{queue="q1"} 1
                rabbitmq_detailed_ready{queue="q2"} 2
                # HELP rabbitmq_detailed_age Age
                # TYPE rabbitmq_detailed_age gauge
                rabbitmq_detailed_age{queue="q0"} 0
                rabbitmq_detailed_age{queue="q2"} 1

                """)
    }

    @Test func manyObjectsComeInPiecesOfBoundedSize() {
        let columns = ["first", "second", "third"].map { name in
            MetricColumn<Int>(name, .counter, name) { Double($0) }
        }
        var table = MetricTable(families: columns.map(\.family))
        for object in 0..<20_000 {
            table.append(object, labels: ["vhost": "/", "queue": "queue-\(object)"], columns: columns)
        }
        var page = MetricsPage()
        page.append(MetricFamily("before", .gauge, "before"), 1)
        page.append(table, prefix: .plain)
        page.append(MetricFamily("after", .gauge, "after"), 2)
        var pieces: [[UInt8]] = []
        while let piece = page.nextPiece() { pieces.append(piece) }
        #expect(pieces.count > 40)
        #expect(pieces.allSatisfy { $0.count < MetricsPage.pieceByteCount + 4096 })
        let lines = String(decoding: pieces.joined(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 3 * 20_000 + 3 * 2 + 2 * 3)
        #expect(lines.last == "rabbitmq_after 2")
        #expect(lines.count { $0.hasPrefix("rabbitmq_second{") } == 20_000)
        let samples = lines.filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != "{" && $0 != " " } }
        let changes = zip(samples, samples.dropFirst()).count { $0 != $1 }
        #expect(changes == 4, "samples of a family stand together")
    }

    @Test func sumsLeaveOutWhatAnObjectDoesNotHave() {
        let columns: [MetricColumn<Double>] = [MetricColumn("capacity", .gauge, "Capacity") { $0 }]
        var sums = MetricSums(families: columns.map(\.family))
        for value in [1, .nan, 0.25] { sums.add(value, columns: columns) }
        #expect(sums.values == [1.25])
    }
}
