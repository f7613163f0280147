import JSON

extension JSONObject {
    /// A measured value, with so many decimals at the most.
    mutating func add(_ name: String, _ value: Double, decimals: Int = 3) {
        append(name, .measured(value, decimals: decimals))
    }

    mutating func add(_ name: String, _ values: [Double], decimals: Int) {
        append(name, .array(values.map { .measured($0, decimals: decimals) }))
    }
}

extension JSONValue {
    static func measured(_ value: Double, decimals: Int = 3) -> JSONValue {
        guard value.isFinite, abs(value) < 1e15 else { return 0 }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let rounded = (value * scale).rounded() / scale
        return decimals == 0 ? .integer(Int(rounded)) : .double(rounded)
    }
}
