import Console
import JSON

/// Sends definitions to a broker, and says how far it is and, if it fails, how far it came.
struct DefinitionsUpload {
    let client: ManagementClient
    let path: APIPath
    private var bar: ProgressBar
    private var done: [DefinitionsSummary] = []

    init(_ client: ManagementClient, to path: APIPath, total: Int, isQuiet: Bool) {
        self.client = client
        self.path = path
        bar = ProgressBar("importing", total: total, isQuiet: isQuiet)
    }

    /// Returns what the broker notes. Leveret says what of it is kept and not active; RabbitMQ says nothing.
    mutating func run(_ parts: [DefinitionsPart]) async throws -> [String] {
        defer { bar.finish() }
        var notes: [String] = []
        for part in parts {
            do {
                notes += try await send(part)["notes"].items.compactMap(\.text)
            } catch let error as ServerError where 400..<500 ~= error.status && ![401, 403].contains(error.status) {
                let what = part.text.isEmpty ? "the definitions" : part.text
                throw ControlError(
                    "the broker refused \(what): \(error.reason).\(doneText) Put it right and import the file again")
            } catch let error as ControlError where !done.isEmpty {
                throw ControlError(
                    "\(error.message).\(doneText) How much of the next part is there is not known: import the file "
                        + "again")
            }
            done.append(DefinitionsSummary(part.definitions))
            bar.update(done.reduce(0) { $0 + $1.total })
        }
        return notes
    }

    private var doneText: String {
        done.isEmpty ? "" : " Imported before that: \(DefinitionsSummary(sum: done).text)."
    }

    private enum Event {
        case answer(JSONValue)
        /// How many exchanges and queues there are by now.
        case count(Int?)
    }

    /// A broker says nothing until it has done all of it, but others may be asked meanwhile.
    private mutating func send(_ part: DefinitionsPart) async throws -> JSONValue {
        let total = DefinitionsSummary(part.definitions).total
        let before = done.reduce(0) { $0 + $1.total }
        let countBefore = bar.isShown ? await Self.objectCount(client) : nil
        return try await withThrowingTaskGroup(of: Event.self) { [client, path] group in
            group.addTask {
                .answer(try await client.post(path, part.definitions, additionalSeconds: Int64(total / 50)))
            }
            if countBefore != nil { group.addTask { .count(try await Self.laterObjectCount(client)) } }
            while let event = try await group.next() {
                switch event {
                case .answer(let answer):
                    group.cancelAll()
                    return answer
                case .count(let count):
                    let added = max(0, (count ?? 0) - (countBefore ?? 0))
                    bar.update(before + min(total, added))
                    group.addTask { .count(try await Self.laterObjectCount(client)) }
                }
            }
            return .null
        }
    }

    private static func laterObjectCount(_ client: ManagementClient) async throws -> Int? {
        try await Task.sleep(for: .milliseconds(500))
        return await objectCount(client)
    }

    private static func objectCount(_ client: ManagementClient) async -> Int? {
        let totals = try? await client.get(APIPath("overview").with("columns", "object_totals"))["object_totals"]
        guard let exchanges = totals?["exchanges"].wholeNumber, let queues = totals?["queues"].wholeNumber else {
            return nil
        }
        return exchanges + queues
    }
}
