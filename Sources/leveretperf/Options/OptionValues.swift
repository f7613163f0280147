import ArgumentParser

/// A whole number, with a suffix `k` for thousands or `m` for millions.
struct Count: ExpressibleByArgument, Equatable {
    static let limit = 1_000_000_000_000

    let value: Int

    init(_ value: Int) { self.value = value }

    init?(argument: String) {
        var digits = Substring(argument)
        var factor = 1
        switch digits.last {
        case "k", "K": factor = 1000
        case "m", "M": factor = 1_000_000
        default: break
        }
        if factor > 1 { digits.removeLast() }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(digits) else {
            return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow, product <= Self.limit else { return nil }
        value = product
    }

    var defaultValueDescription: String { String(value) }
}

/// Seconds, whole or with a fraction; not negative, at most a week.
struct Seconds: ExpressibleByArgument, Equatable {
    let value: Double

    init(_ value: Double) { self.value = value }

    init?(argument: String) {
        let text = argument.hasSuffix("s") ? String(argument.dropLast()) : argument
        guard let number = Double(text), number.isFinite, number >= 0, number <= 604_800 else { return nil }
        value = number
    }

    var defaultValueDescription: String { value == value.rounded() ? String(Int(value)) : String(value) }
}

/// When a consumer acks.
enum Acknowledgement: ExpressibleByArgument, Equatable {
    /// The broker counts a message as acked when it is sent (`no-ack`).
    case auto
    case each
    /// One ack with `multiple` for so many deliveries.
    case multiple(Int)

    init?(argument: String) {
        switch argument {
        case "auto", "none": self = .auto
        case "each": self = .each
        default:
            guard argument.hasPrefix("multi:"), let count = Count(argument: String(argument.dropFirst(6)))?.value,
                (1...65535).contains(count)
            else { return nil }
            self = .multiple(count)
        }
    }

    var text: String {
        switch self {
        case .auto: "auto"
        case .each: "each"
        case .multiple(let count): "multi:\(count)"
        }
    }

    var defaultValueDescription: String { text }
}

/// What the producers publish to.
enum ExchangeKind: String, ExpressibleByArgument, CaseIterable {
    /// The default exchange, which routes by queue name.
    case `default`
    case direct, fanout, topic, headers
}

enum Scenario: String, ExpressibleByArgument, CaseIterable {
    case throughput, latency, fanout, backlog, connections
}
