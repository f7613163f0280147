import AMQPWire

/// The frames that a broker sends beside deliveries and confirms.
enum ControlFrames {
    enum Effect {
        case none
        /// The broker does not want messages now.
        case blocked
        case unblocked
        /// An answer was written.
        case answered
    }

    /// - Parameters:
    ///   - frame: a whole method frame, without its head and end.
    ///   - output: takes what must be answered.
    static func handle(
        channel: UInt16, payload: UnsafeRawBufferPointer, output: inout OutboundBuffer
    ) throws(PerfError) -> Effect {
        var reader = WireReader(payload)
        let method: Method
        do { method = try Method.decode(&reader) } catch { throw BrokerFailure.malformed }
        switch method {
        case .connectionClose(let close): throw BrokerFailure.connectionClosed(close)
        case .channelClose(let close): throw BrokerFailure.channelClosed(close)
        case .connectionBlocked: return .blocked
        case .connectionUnblocked: return .unblocked
        case .channelFlow(let flow):
            ChannelFlowOk(active: flow.active).writeFrame(channel: channel, to: &output)
            return flow.active ? .unblocked : .blocked
        case .basicCancel(let cancel):
            throw PerfError(.broker, "the broker cancelled consumer \(cancel.consumerTag): was its queue deleted?")
        case .basicReturn(let back):
            throw PerfError(.broker, "the broker returned a message: \(back.replyCode) \(back.replyText)")
        default: return .none
        }
    }
}
