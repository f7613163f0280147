/// A metric that every object of one kind has, and where its value comes from.
package struct MetricColumn<Object>: Sendable {
    package let family: MetricFamily
    /// Whether the sum of all objects says something: not of times, nor of counters, which go when their object goes.
    package let isSummed: Bool
    /// NaN where this object has no such value: then there is no sample.
    package let value: @Sendable (Object) -> Double

    package init(_ family: MetricFamily, isSummed: Bool = true, _ value: @escaping @Sendable (Object) -> Double) {
        self.family = family
        self.isSummed = isSummed
        self.value = value
    }

    package init(
        _ name: String, _ type: MetricType, _ help: String, isSummed: Bool = true,
        _ value: @escaping @Sendable (Object) -> Double
    ) {
        self.init(MetricFamily(name, type, help), isSummed: isSummed, value)
    }

    /// The same of something that has such an object.
    func lifted<Whole>(_ object: @escaping @Sendable (Whole) -> Object) -> MetricColumn<Whole> {
        let value = value
        return MetricColumn<Whole>(family, isSummed: isSummed) { value(object($0)) }
    }
}

/// The metrics of all objects of one kind. The format wants a family's samples together, while objects are read one
/// after the other, a few in each turn of their shard: so labels and numbers are kept, 8 bytes for each number, and
/// not the objects.
package struct MetricTable: Sendable {
    package let families: [MetricFamily]
    package private(set) var rowCount = 0
    /// Labels of all rows, one after the other, and where each row's end.
    private var labels: [UInt8] = []
    private var labelEnds: [Int] = []
    /// Row by row.
    private var values: [Double] = []

    package init(families: [MetricFamily]) { self.families = families }

    package mutating func append<Object>(
        _ object: Object, labels rowLabels: MetricLabels, columns: [MetricColumn<Object>]
    ) {
        precondition(columns.count == families.count, "a row has a value for each family")
        labels.append(contentsOf: rowLabels.bytes)
        labelEnds.append(labels.count)
        for column in columns { values.append(column.value(object)) }
        rowCount += 1
    }

    /// Writes samples of one family, starting with this row, until the text is this long. Returns the row to go on
    /// with, or nil when there is none.
    func write(
        family: Int, from firstRow: Int, name: [UInt8], into text: inout ExpositionText, byteLimit: Int
    ) -> Int? {
        var row = firstRow
        while row < rowCount {
            if text.bytes.count >= byteLimit { return row }
            let value = values[row * families.count + family]
            if !value.isNaN {
                text.sample(
                    name: name, labels: labels[(row == 0 ? 0 : labelEnds[row - 1])..<labelEnds[row]], value: value)
            }
            row += 1
        }
        return nil
    }
}

/// The sums of all objects' metrics, for a page that does not name the objects.
package struct MetricSums: Sendable {
    package let families: [MetricFamily]
    package private(set) var values: [Double]

    package init(families: [MetricFamily]) {
        self.families = families
        values = Array(repeating: 0, count: families.count)
    }

    package mutating func add<Object>(_ object: Object, columns: [MetricColumn<Object>]) {
        for (index, column) in columns.enumerated() {
            let value = column.value(object)
            if !value.isNaN { values[index] += value }
        }
    }
}
