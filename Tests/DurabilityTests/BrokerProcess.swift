import Processes

extension Workspace {
    /// Publishers, queues and consumers shall meet on different shards.
    static func spread(_ settings: [String] = []) throws -> Workspace {
        try Workspace(settings: ["leveret.connection_placement = spread"] + settings)
    }

    /// What of the errors is not about clients, who lose connections and ask for what is not there: nothing, unless the
    /// broker found fault with its data. That memory is scarce is no complaint: it is where rounds with little of it
    /// want the broker to be.
    var complaints: [Substring] {
        errors.split(separator: "\n").filter { !$0.contains("connection") && !$0.contains("memory is insufficient") }
    }
}

extension BrokerProcess {
    /// Starts a broker and waits until clients may connect.
    static func start(in workspace: Workspace, shards: Int) async throws -> BrokerProcess {
        let process = try BrokerProcess(in: workspace, shards: shards)
        try await process.becomeReady()
        return process
    }

    func becomeReady() async throws { try await onThread { [self] in try becomeReady() } }

    /// Sends the signal and waits for the end. Returns the exit code, or minus the signal that ended the process.
    @discardableResult
    func end(_ signal: Int32) async throws -> Int32 { try await onThread { [self] in try end(signal) } }

    /// Waits for the end, which nobody here has asked for. Returns the exit code, or minus the signal.
    func ended() async throws -> Int32 { try await onThread { [self] in try end() } }
}
