/// A page of metrics, written piece by piece: whoever reads it slowly keeps only the values in memory, not the text.
package struct MetricsPage: Sendable {
    /// About what a piece has; the last line goes beyond it.
    package static let pieceByteCount = 64 << 10

    /// One sample of a family of which the page knows all samples.
    package struct Sample: Sendable {
        /// `_bucket`, `_sum` or `_count` for histograms.
        let suffix: String
        let labels: MetricLabels
        let value: Double

        package init(suffix: String = "", _ labels: MetricLabels = [:], _ value: Double) {
            self.suffix = suffix
            self.labels = labels
            self.value = value
        }
    }

    private enum Block: Sendable {
        case samples(MetricFamily, MetricPrefix, [Sample])
        case table(MetricTable, family: Int, MetricPrefix)
    }

    private var blocks: [Block] = []
    /// Where the next piece begins.
    private var nextBlock = 0
    private var nextRow: Int?

    package init() {}

    package mutating func append(_ family: MetricFamily, prefix: MetricPrefix = .plain, _ samples: [Sample]) {
        blocks.append(.samples(family, prefix, samples))
    }

    package mutating func append(_ family: MetricFamily, prefix: MetricPrefix = .plain, _ value: Double) {
        append(family, prefix: prefix, [Sample([:], value)])
    }

    package mutating func append(_ table: MetricTable, prefix: MetricPrefix) {
        for family in table.families.indices { blocks.append(.table(table, family: family, prefix)) }
    }

    package mutating func append(_ sums: MetricSums) {
        for (family, value) in zip(sums.families, sums.values) { append(family, value) }
    }

    /// The next piece, or nil behind the last.
    package mutating func nextPiece() -> [UInt8]? {
        var text = ExpositionText()
        text.reserve(Self.pieceByteCount + 4096)
        while nextBlock < blocks.count, text.bytes.count < Self.pieceByteCount {
            switch blocks[nextBlock] {
            case .samples(let family, let prefix, let samples):
                text.header(of: family, prefix: prefix)
                for sample in samples {
                    text.sample(
                        name: Array("\(prefix.rawValue)\(family.name)\(sample.suffix)".utf8),
                        labels: sample.labels.bytes, value: sample.value)
                }
                nextBlock += 1
            case .table(let table, let column, let prefix):
                let family = table.families[column]
                if nextRow == nil { text.header(of: family, prefix: prefix) }
                nextRow = table.write(
                    family: column, from: nextRow ?? 0, name: Array("\(prefix.rawValue)\(family.name)".utf8),
                    into: &text, byteLimit: Self.pieceByteCount)
                if nextRow == nil { nextBlock += 1 }
            }
        }
        return text.bytes.isEmpty ? nil : text.bytes
    }
}
