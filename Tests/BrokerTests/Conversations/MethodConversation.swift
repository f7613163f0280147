import AMQPWire
import Synchronization
import Testing

/// A conversation about one method. All of them stand in tables, so that the walking test can run them and see which
/// methods really went over the wire.
struct MethodConversation: Sendable, CustomTestStringConvertible {
    let method: String
    let behaviour: String
    let shards: Int
    let body: @Sendable (Conversation) -> Void

    init(
        _ method: String, _ behaviour: String, shards: Int = 1, _ body: @escaping @Sendable (Conversation) -> Void
    ) {
        self.method = method
        self.behaviour = behaviour
        self.shards = shards
        self.body = body
    }

    var testDescription: String { "\(method): \(behaviour)" }

    /// Runs it; the method that it is about must have been sent or seen.
    func run() {
        let recorder = MethodRecorder()
        let outer = MethodRecorder.current
        MethodRecorder.$current.withValue(recorder) { converse(shards: shards, body) }
        let found = recorder.methods
        outer?.add(found)
        #expect(
            found.sent.contains(method) || found.seen.contains(method), "\(testDescription): never on the wire")
    }
}

/// Which methods clients sent, and which they got.
final class MethodRecorder: Sendable {
    struct Methods: Sendable {
        var sent: Set<String> = []
        var seen: Set<String> = []
    }

    @TaskLocal static var current: MethodRecorder?

    private let recorded = Mutex(Methods())

    var methods: Methods { recorded.withLock { $0 } }

    func send(_ name: String) { recorded.withLock { _ = $0.sent.insert(name) } }

    func see(_ name: String) { recorded.withLock { _ = $0.seen.insert(name) } }

    func add(_ other: Methods) {
        recorded.withLock {
            $0.sent.formUnion(other.sent)
            $0.seen.formUnion(other.seen)
        }
    }
}
