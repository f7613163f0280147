import Console
import JSON

/// What `top` shows: the totals, and the busiest queues or connections.
struct TopScreen: Equatable {
    enum View: CaseIterable { case queues, connections }

    /// What is sorted by, with the key that chooses it.
    enum Order: Character, CaseIterable {
        case name = "n"
        case incoming = "i"
        case outgoing = "o"
        case ready = "m"
        case unacked = "u"

        func path(_ view: View) -> String {
            switch (self, view) {
            case (.name, _): "name"
            case (.incoming, .queues): "message_stats.publish_details.rate"
            case (.outgoing, .queues): "message_stats.deliver_get_details.rate"
            case (.ready, .queues): "messages_ready"
            case (.unacked, .queues): "messages_unacknowledged"
            case (.incoming, .connections): "recv_oct_details.rate"
            case (.outgoing, .connections): "send_oct_details.rate"
            case (.ready, .connections), (.unacked, .connections): "channels"
            }
        }

        var title: String {
            switch self {
            case .name: "name"
            case .incoming: "in"
            case .outgoing: "out"
            case .ready: "ready"
            case .unacked: "unacked"
            }
        }
    }

    /// What a key asks for.
    enum Action: Equatable { case quit, redraw, reload, nothing }

    var view = View.queues
    var order = Order.incoming
    var isReversed = false
    var overview = JSONValue.null
    var rows: [JSONValue] = []
    /// Why the last question had no answer.
    var problem: String?

    mutating func press(_ key: UInt8) -> Action {
        switch key {
        case UInt8(ascii: "q"), UInt8(ascii: "Q"), 3, 4: return .quit
        case 9, UInt8(ascii: "v"):
            view = view == .queues ? .connections : .queues
            rows = []
            return .reload
        case UInt8(ascii: "r"): isReversed.toggle()
        case UInt8(ascii: " "): return .reload
        default:
            guard let order = Order(rawValue: Character(Unicode.Scalar(key))) else { return .nothing }
            self.order = order
            isReversed = false
        }
        return .reload
    }

    /// Names from a to z, numbers from the largest down, unless reversed.
    var isDescending: Bool { (order != .name) != isReversed }

    private var columns: [Listing.Column] {
        switch view {
        case .queues:
            [
                .init("name", title: "queue"), .init("vhost"),
                .init("in", .rate, title: "in/s", path: "message_stats.publish_details.rate"),
                .init("out", .rate, title: "out/s", path: "message_stats.deliver_get_details.rate"),
                .init("ack", .rate, title: "ack/s", path: "message_stats.ack_details.rate"),
                .init("messages_ready", .number, title: "ready"),
                .init("messages_unacknowledged", .number, title: "unacked"), .init("consumers", .number),
                .init("state"),
            ]
        case .connections:
            [
                .init("name", title: "connection"), .init("user"), .init("client", path: "user_provided_name"),
                .init("in", .rate, title: "in B/s", path: "recv_oct_details.rate"),
                .init("out", .rate, title: "out B/s", path: "send_oct_details.rate"),
                .init("channels", .number), .init("state"),
            ]
        }
    }

    /// The fields that are asked for: fewer make a shorter answer.
    var fields: String { columns.map(\.path).joined(separator: ",") }

    func lines(_ size: Terminal.Size, isInteractive: Bool = true) -> [String] {
        let totals = overview["queue_totals"]
        let objects = overview["object_totals"]
        func rate(_ name: String) -> String {
            Quantity.tenths(overview[path: "message_stats.\(name)_details.rate"].number ?? 0)
        }
        func count(_ value: JSONValue) -> String { value.wholeNumber.map { Quantity.grouped($0) } ?? "?" }
        var lines = [
            "\(overview["cluster_name"].cell)  \(overview["product_name"].text ?? "RabbitMQ") "
                + (overview["product_version"].text ?? overview["rabbitmq_version"].cell),
            "messages   \(count(totals["messages_ready"])) ready, \(count(totals["messages_unacknowledged"])) unacked; "
                + "\(rate("publish"))/s in, \(rate("deliver_get"))/s out, \(rate("ack"))/s acked",
            "there are  "
                + ["connection", "channel", "queue", "consumer"].map { noun in
                    objects[noun + "s"].wholeNumber.map { Quantity.count($0, noun) } ?? "? \(noun)s"
                }.joined(separator: ", "),
            problem.map { "! \($0)" } ?? "",
        ].map { Terminal.cut(printable($0), to: size.columns) }
        var table = Table(columns: columns.map { Table.Column(title: title(of: $0), isNumber: $0.isNumber) })
        let room = max(0, size.rows - lines.count - (isInteractive ? 3 : 1))
        table.rows = rows.prefix(room).map { row in columns.map { $0.text(row) } }
        lines += table.lines(width: size.columns)
        guard isInteractive else { return lines }
        while lines.count < size.rows - 1 { lines.append("") }
        let other = view == .queues ? "connections" : "queues"
        let keys =
            "q quit  v \(other)  sort: n name  i in  o out  m ready  u unacked  r reverse"
        lines.append(Terminal.cut(keys, to: size.columns))
        return lines
    }

    /// The column that is sorted by has a mark.
    private func title(of column: Listing.Column) -> String {
        column.path == order.path(view) ? column.title + (isDescending ? " ▼" : " ▲") : column.title
    }

    /// Asks the broker for as many rows as may be seen.
    mutating func load(_ client: ManagementClient, rowCount: Int) async {
        let path = APIPath(view == .queues ? "queues" : "connections")
            .with("page", "1").with("page_size", String(min(500, max(1, rowCount))))
            .with("sort", order.path(view)).with("sort_reverse", isDescending ? "true" : "false")
            .with("columns", fields)
        do {
            overview = try await client.get(APIPath("overview"))
            let answer = try await client.get(path)
            let items = answer.items.isEmpty ? answer["items"].items : answer.items
            rows = items.sorted { left, right in
                let (first, second) = isDescending ? (right, left) : (left, right)
                let path = order.path(view)
                if JSONValue.isAscending(first[path: path], second[path: path]) { return true }
                if JSONValue.isAscending(second[path: path], first[path: path]) { return false }
                return JSONValue.isAscending(left["name"], right["name"])
            }
            problem = nil
        } catch let error as ControlError {
            problem = error.message
        } catch let error as ServerError {
            problem = error.explained(client.endpoint).message
        } catch {
            problem = "\(error)"
        }
    }
}
