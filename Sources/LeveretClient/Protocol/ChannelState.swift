import AMQPWire

/// What the state machine knows of one channel.
struct ChannelState {
    let id: ChannelID
    /// channel.close was sent: all but its answer is ignored.
    var isClosing = false
    /// Synchronous methods go one at a time.
    var inFlight: Request?
    var waiting: [Request] = []
    var consumers: [ShortString: Consumer] = [:]
    var assembly = ContentAssembly()
    /// nil until confirm.select-ok.
    var confirms: ConfirmWindow?
    /// The broker sent channel.flow with active=false.
    var isFlowStopped = false

    struct Consumer {
        let id: ConsumerID
        let isAutoAck: Bool
        /// basic.cancel is under way: what still comes goes back to the queue.
        var isCancelling = false
    }
}

/// A synchronous method and who waits for its answer.
struct Request {
    let id: RequestID
    let method: Method
    /// Goes before it, and its answer is waited for first: qos before consume.
    var prelude: Method?
    /// Of basic.consume.
    var consumer: ChannelState.Consumer?
    /// Nobody waits any more: what the method brought about is undone where that makes sense.
    var isAbandoned = false
}

extension Method {
    /// Whether `reply` is an answer to this method.
    func isAnswered(by reply: Method) -> Bool {
        switch (self, reply) {
        case (.channelOpen, .channelOpenOk), (.channelClose, .channelCloseOk), (.channelFlow, .channelFlowOk),
            (.exchangeDeclare, .exchangeDeclareOk), (.exchangeDelete, .exchangeDeleteOk),
            (.exchangeBind, .exchangeBindOk), (.exchangeUnbind, .exchangeUnbindOk),
            (.queueDeclare, .queueDeclareOk), (.queueDelete, .queueDeleteOk), (.queuePurge, .queuePurgeOk),
            (.queueBind, .queueBindOk), (.queueUnbind, .queueUnbindOk),
            (.basicQos, .basicQosOk), (.basicConsume, .basicConsumeOk), (.basicCancel, .basicCancelOk),
            (.basicGet, .basicGetEmpty), (.basicRecover, .basicRecoverOk), (.confirmSelect, .confirmSelectOk),
            (.txSelect, .txSelectOk), (.txCommit, .txCommitOk), (.txRollback, .txRollbackOk):
            true
        default: false
        }
    }
}
